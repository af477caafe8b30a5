import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readFolderState } from '../../emulators/common/folderLock.ts';
import type { Endpoints } from '../../emulators/stack/stack.ts';

/** The endpoints of the stack that runs on a data folder. @throws Error that says why there are none, and what to do */
export async function readEndpoints(dataDir: string): Promise<Endpoints> {
  const state = readFolderState(dataDir);
  const text = await readFile(join(dataDir, 'endpoints.json'), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    },
  );
  if (state !== 'held') throw new Error(whyNoneRuns(dataDir, state, text !== undefined));
  if (text === undefined) {
    throw new Error(`the stack on ${dataDir} is starting or stopping: wait until it says that it is ready`);
  }
  return JSON.parse(text) as Endpoints;
}

/** Why no stack runs on a folder, and what to do; undefined when one runs. */
export async function whyNoneAnswers(dataDir: string): Promise<string | undefined> {
  return readEndpoints(dataDir).then(
    () => undefined,
    (error: Error) => error.message,
  );
}

/** A stack takes its endpoints away when it stops: those that are left are of one that was killed. */
function whyNoneRuns(dataDir: string, state: 'new' | 'free', leftEndpoints: boolean): string {
  const start = `npm start${dataDir === '.rollcall' ? '' : ` -- --data ${dataDir}`}`;
  if (state === 'new') return `no stack has run on ${dataDir}: start one with ${start}`;
  const what = leftEndpoints ? `the stack on ${dataDir} was killed` : `no stack runs on ${dataDir} now`;
  return `${what}: start it again with ${start}; its data is kept`;
}

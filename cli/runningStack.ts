import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readFolderState } from '../emulators/common/folderLock.ts';
import type { Endpoints } from '../emulators/stack/stack.ts';

/** Where a stack answers, and the folder by which it was found. */
export type RunningStack = Endpoints & { dataDir?: string };

/** The endpoints of the stack that runs on a data folder. @throws Error that says why there are none, and what to do */
export async function readEndpoints(dataDir: string): Promise<RunningStack> {
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
  return { ...(JSON.parse(text) as Endpoints), dataDir };
}

/** A stack takes its endpoints away when it stops: those that are left are of one that was killed. */
function whyNoneRuns(dataDir: string, state: 'new' | 'free', leftEndpoints: boolean): string {
  const start = `npm start${dataDir === '.rollcall' ? '' : ` -- --data ${dataDir}`}`;
  if (state === 'new') return `no stack has run on ${dataDir}: start one with ${start}`;
  const what = leftEndpoints ? `the stack on ${dataDir} was killed` : `no stack runs on ${dataDir} now`;
  return `${what}: start it again with ${start}; its data is kept`;
}

/** Sends requests to the HTTP API. @throws Error that says why it does not answer or takes no key, and what to do */
export function fetchFrom(stack: RunningStack): typeof fetch {
  const api = `the HTTP API at ${stack.http}`;
  return async (url, init) => {
    const response = await fetch(url, init).catch(async (error: unknown) => {
      throw await explain(stack, api, error);
    });
    if (response.status === 401) throw new Error(wrongKey(stack, api));
    return response;
  };
}

/** Does something with the storage. @throws Error that says why it does not answer or takes no key, and what to do */
export async function withStorageOf<Result>(
  stack: RunningStack,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { statusCode, name } = error as { statusCode?: number; name?: string };
    if (statusCode === 401 || statusCode === 403)
      throw new Error(wrongKey(stack, 'the storage'), { cause: error });
    if (name === 'RestError' && statusCode === undefined) throw await explain(stack, 'the storage', error);
    throw error;
  }
}

/** Nothing answers: the stack has ended meanwhile, or one of its parts is away. */
async function explain(stack: RunningStack, what: string, cause: unknown): Promise<Error> {
  const { dataDir } = stack;
  if (dataDir !== undefined) {
    const gone = await readEndpoints(dataDir).then(
      () => undefined,
      (error: Error) => error,
    );
    if (gone !== undefined) return gone;
  }
  const { code = 'no answer' } = ((cause as Error).cause ?? cause) as { code?: string };
  return new Error(
    `the stack runs, but ${what} does not answer (${code}): a part that ended is started again, so try again in a moment; the stack says what happened where it runs`,
    { cause },
  );
}

function wrongKey({ dataDir }: RunningStack, what: string): string {
  const file = dataDir === undefined ? 'the endpoints' : join(dataDir, 'endpoints.json');
  return `${what} does not take the key that ${file} gives: stop the stack and start it again, which writes the key anew`;
}

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { basename } from 'node:path';
import { watch } from 'chokidar';
import { exitCodes, type ExitCode } from '../exit.ts';
import { importSelection, select, type Import } from './importFolder.ts';
import { skipReasonOf } from './selectFiles.ts';

/** A file that has not grown for this long has been written. */
const steadyMs = 2_000;
/** Changes that come together make one comparison. */
const gatherMs = 1_000;
/** A comparison lists the whole group: the pause after it is this many times as long as it took. */
const restAfterComparison = 5;
/** Finds what no event announced. */
const compareAllEveryMs = 10 * 60_000;

/** Compares the folder with the group after each change of a file, and every ten minutes, until Ctrl-C. */
export async function watchFolder(run: Import): Promise<ExitCode> {
  const { context, folder, options, stopped } = run;
  const watcher = watch(folder, {
    ignoreInitial: true,
    followSymlinks: false,
    awaitWriteFinish: { stabilityThreshold: steadyMs, pollInterval: 200 },
    ignored: (path) => path !== folder && skipReasonOf(basename(path), 'folder') !== undefined,
  });
  let changed = Promise.withResolvers<void>();
  const onChange = (): void => changed.resolve();
  watcher.on('add', onChange).on('change', onChange).on('unlink', onChange);
  watcher.on('error', (error) => context.output.note(`Not all can be watched: ${String(error)}`, 'yellow'));
  const aborted = once(stopped, 'abort');
  const [hash, told] = [rememberHashes(run.hash), new Set<string>()];
  context.output.note(`Watching ${folder}; Ctrl-C stops it.`);
  let restMs = gatherMs;
  while (!stopped.aborted) {
    await Promise.race([changed.promise, sleep(compareAllEveryMs, undefined, { ref: false }), aborted]);
    await Promise.race([sleep(restMs), aborted]);
    if (stopped.aborted) break;
    changed = Promise.withResolvers();
    const startedAt = performance.now();
    try {
      const selection = await select(context, folder, options);
      await importSelection({ ...run, hash, told, steadyBefore: Date.now() - steadyMs }, selection);
    } catch (error) {
      // The next change, or the next full comparison, tries again.
      context.output.note((error as Error).message, 'red');
    }
    restMs = Math.max(gatherMs, restAfterComparison * (performance.now() - startedAt));
  }
  await watcher.close();
  return exitCodes.stopped;
}

/** Reads a file again only when its size or its time has changed. */
function rememberHashes(hash: Import['hash']): Import['hash'] {
  const remembered = new Map<string, { bytes: number; modifiedAt: number; sha256: string }>();
  return async (image) => {
    const { file, bytes, modifiedAt } = image;
    const last = remembered.get(file);
    if (last?.bytes === bytes && last.modifiedAt === modifiedAt) return last.sha256;
    const sha256 = await hash(image);
    remembered.set(file, { bytes, modifiedAt, sha256 });
    return sha256;
  };
}

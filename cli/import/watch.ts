import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { basename } from 'node:path';
import { watch } from 'chokidar';
import { exitCodes, type ExitCode } from '../exit.ts';
import { importSelection } from './importFolder.ts';
import type { Import } from './importRun.ts';
import { select } from './plan.ts';
import { skipReasonOf, type Selection } from './selectFiles.ts';

/** A file that has not grown for this long has been written. */
const steadyMs = 2_000;
/** Changes that come together make one comparison. */
const gatherMs = 1_000;
/** A comparison lists the whole group: the pause after it is this many times as long as it took. */
const restAfterComparison = 5;
/** Finds what no event announced. */
const compareAllEveryMs = 10 * 60_000;

/**
 * Compares the folder with the group at once, after each change of a file, and every ten minutes, until Ctrl-C. The
 * folder is watched before the first comparison, so that no change is missed.
 */
export async function watchFolder(run: Import, selection: Selection): Promise<ExitCode> {
  const { output } = run.context;
  const watcher = watch(run.folder, {
    ignoreInitial: true,
    followSymlinks: false,
    awaitWriteFinish: { stabilityThreshold: steadyMs, pollInterval: 200 },
    ignored: (path) => path !== run.folder && skipReasonOf(basename(path), 'folder') !== undefined,
  });
  watcher.on('error', (error) => output.note(`Not all can be watched: ${String(error)}`, 'yellow'));
  const changes = { next: Promise.withResolvers<void>() };
  for (const event of ['add', 'change', 'unlink'] as const) watcher.on(event, () => changes.next.resolve());
  try {
    await once(watcher, 'ready');
    const remembering = { ...run, hash: rememberHashes(run.hash) };
    await importSelection(remembering, selection);
    output.note(`Watching ${run.folder}; Ctrl-C stops it.`);
    await followChanges(remembering, changes);
  } finally {
    await watcher.close();
  }
  return exitCodes.stopped;
}

/** `changes`: resolves with the next change, also with one that came before it was asked for. */
async function followChanges(run: Import, changes: { next: PromiseWithResolvers<void> }): Promise<void> {
  const { context, folder, options, stopped } = run;
  const aborted = once(stopped, 'abort');
  let restMs = gatherMs;
  while (!stopped.aborted) {
    await Promise.race([changes.next.promise, sleep(compareAllEveryMs, undefined, { ref: false }), aborted]);
    await Promise.race([sleep(restMs), aborted]);
    if (stopped.aborted) return;
    changes.next = Promise.withResolvers();
    const startedAt = performance.now();
    try {
      const again = { ...run, isRepeated: true, steadyBefore: Date.now() - steadyMs };
      await importSelection(again, await select(context, folder, options));
    } catch (error) {
      // The next change, or the next full comparison, tries again.
      context.output.note((error as Error).message, 'red');
    }
    restMs = Math.max(gatherMs, restAfterComparison * (performance.now() - startedAt));
  }
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

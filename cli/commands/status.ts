import { setTimeout as sleep } from 'node:timers/promises';
import pMap, { pMapSkip } from 'p-map';
import { failures, type FailureCode } from '../../shared/errors/errors.ts';
import { ApiError, type Answer, type ApiClient } from '../apiClient.ts';
import type { Context } from '../context.ts';
import { formatSeconds } from '../terminal/bars.ts';
import type { Output } from '../terminal/output.ts';
import { formatTable, type Column } from '../terminal/table.ts';
import { everyItem, everyPage } from './pages.ts';

type Group = Answer<'GET groups/{group}'>;

const waiting = ({ images, probes }: Group): number => images.received + images.detected + probes.received;

const columns: readonly Column<Group>[] = [
  { title: 'group', text: ({ group }) => group },
  { title: 'people', text: ({ persons }) => persons, align: 'right', whole: true },
  { title: 'enrolled', text: ({ images }) => images.enrolled, align: 'right', whole: true },
  { title: 'waiting', text: waiting, align: 'right', whole: true },
  {
    title: 'refused',
    text: ({ images, probes }) => images.rejected + probes.rejected,
    align: 'right',
    whole: true,
  },
  {
    title: 'failed',
    text: ({ images, probes }) => images.failed + probes.failed,
    align: 'right',
    whole: true,
  },
  { title: 'identified', text: ({ probes }) => probes.identified, align: 'right', whole: true },
  {
    title: 'training',
    text: ({ training }) => (training.covered ? training.state : `${training.state}, changes wait`),
  },
];

const lookEveryMs = 2_000;

/** What is going on in all groups, or in one. */
export async function status(
  context: Context,
  group: string | undefined,
  { watch = false }: { watch?: boolean },
): Promise<void> {
  const { call } = await context.connect();
  if (watch) return watchStatus(context.output, call, group);
  const groups = await loadGroups(call, group);
  for (const one of groups) context.output.item(one);
  if (!context.output.json) await printStatus(context, call, groups, group);
}

/** Shows it anew until Ctrl-C. */
async function watchStatus(output: Output, call: ApiClient, group: string | undefined): Promise<never> {
  const follow = followPace();
  for (;;) {
    const groups = await loadGroups(call, group);
    for (const one of groups) output.item(one);
    const left = follow(groups.reduce((sum, one) => sum + waiting(one), 0));
    if (output.isWatched)
      output.live([...formatTable(groups, columns, output.width - 1), ...(left === undefined ? [] : [left])]);
    else output.table(groups, columns);
    await sleep(lookEveryMs);
  }
}

async function loadGroups(call: ApiClient, group: string | undefined): Promise<Group[]> {
  if (group !== undefined) return [await call('GET groups/{group}', { group })];
  const names = await everyItem((after) => call('GET groups', { query: { top: 1_000, after } }));
  const load = async ({ group: name }: { group: string }): Promise<Group | typeof pMapSkip> =>
    call('GET groups/{group}', { group: name }).catch((error: unknown) => {
      // It was deleted since it was listed.
      if (error instanceof ApiError && error.code === 'group_not_found') return pMapSkip;
      throw error;
    });
  return pMap(names, load, { concurrency: 8 });
}

async function printStatus(
  { output, program }: Context,
  call: ApiClient,
  groups: readonly Group[],
  only: string | undefined,
): Promise<void> {
  if (groups.length === 0)
    output.note(`There are no groups yet: ${program} import FOLDER --group GROUP makes one.`);
  output.table(groups, columns);
  for (const { group, training } of groups)
    if (training.error !== undefined)
      output.print(`The training of ${group} failed: ${training.error}`, 'red');
  if (groups.some(({ images, probes }) => images.failed + probes.failed > 0))
    output.print(`${program} redrive sends what failed round again, once its cause is gone.`);
  if (only !== undefined) return printRefusals({ output, program }, call, only);
  if (groups.some(({ images, probes }) => images.rejected + probes.rejected > 0))
    output.print(`${program} status GROUP says what was refused, and what helps.`);
}

/** What was refused in a group, by reason, with what helps. */
async function printRefusals(
  { output, program }: Pick<Context, 'output' | 'program'>,
  call: ApiClient,
  group: string,
): Promise<void> {
  const counts = new Map<FailureCode, number>();
  const load = (after: string | undefined) =>
    call('GET groups/{group}/images', { group, query: { top: 1_000, after, state: 'rejected' } });
  for await (const items of everyPage(load))
    for (const { reason } of items)
      if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  for (const [reason, count] of [...counts].toSorted(([, a], [, b]) => b - a))
    output.print(`${count} refused, ${reason}: ${failures[reason].title} ${failures[reason].remedy}`);
  if (counts.size > 0) output.print(`${program} images --group ${group} --state rejected names them.`);
}

/** Follows how many pictures wait, and says how long they will at the pace so far. */
function followPace(): (count: number) => string | undefined {
  let first: { count: number; at: number } | undefined;
  return (count) => {
    const at = performance.now();
    if (first === undefined || count > first.count) first = { count, at };
    const pace = (first.count - count) / (at - first.at);
    return count > 0 && pace > 0
      ? `${count} wait: ${formatSeconds(count / pace / 1_000)} at this pace`
      : undefined;
  };
}

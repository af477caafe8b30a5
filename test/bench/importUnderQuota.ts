import { setTimeout as sleep } from 'node:timers/promises';
import { TableClient } from '@azure/data-tables';
import type { Schedule } from '../../shared/quota/schedule.ts';
import { tables } from '../../shared/resources.ts';
import { eventually } from '../helpers/eventually.ts';
import { franck, portrait } from '../helpers/pictures.ts';
import { startTestStack, type ImageView, type TestStack } from '../helpers/stack.ts';

/*
 * An import at ten calls a second, with callers who identify meanwhile: what of the quota is used, whether a call is
 * refused, what callers wait beside the same calls with no import, how soon a face is searchable.
 */

const quota = 10;
const persons = 50;
/** An identify is two calls, three while faces wait for a training: together a tenth of the quota. */
const identifyEveryMs = 3_000;
/** As the training of a group of a hundred thousand faces. */
const trainingTime = 90;
const callsBefore = 20;

export async function importUnderQuota({
  instances,
  minutes,
}: {
  instances: number;
  minutes: number;
}): Promise<void> {
  const stack = await startTestStack({
    faceTps: quota,
    trainingTime,
    instances,
    settings: { TRAIN_QUIET_SECONDS: '2', SWEEP_SCHEDULE: '*/30 * * * * *' },
  });
  try {
    await stack.drop('enroll/bulk/first/1.jpg', portrait(franck[0] ?? ''));
    await eventually(
      'the group is trained',
      async () => (await stack.group('bulk')).training.lastTrainedAt,
      2 * trainingTime * 1_000,
    );
    const alone: number[] = [];
    for (let call = 0; call < callsBefore; call += 1) {
      alone.push((await identify(stack)).tookMs);
      await sleep(identifyEveryMs);
    }

    const total = Math.floor(((quota / 2) * 0.9 * minutes * 60) / persons) * persons;
    const before = await stack.calls();
    const begin = Date.now();
    const drops = dropAll(stack, total);
    const during = await callMeanwhile(stack, total);
    await drops;
    const enrolledAfter = Date.now() - begin;
    const atEnd = await stack.calls();
    const after = await stack.calls();
    const fresh = await freshness(stack, during.firstNamedAt);

    const calls = (name: string) => (after.byOperation[name] ?? 0) - (before.byOperation[name] ?? 0);
    const sum = ({ byOperation }: typeof before) => Object.values(byOperation).reduce((a, b) => a + b, 0);
    const sent = sum(atEnd) - sum(before);
    console.log(
      `import of ${total} pictures of ${persons} persons at ${quota} calls a second, ${instances} instance(s),` +
        ` trainings of ${trainingTime} s`,
    );
    console.log(
      `  ${(enrolledAfter / 1_000).toFixed(0)} s, ${((sent / enrolledAfter) * 1_000).toFixed(2)} calls a second, refused: ${after.refused}`,
    );
    console.log(`  jitter measured by the gate: ${(await measuredJitter(stack)).toFixed(0)} ms`);
    console.log(
      `  calls: detect ${calls('detect') - during.waits.length}, add ${calls('addFace')}, persons ${calls('createPerson')},` +
        ` groups ${calls('createGroup')}, trainings ${calls('train')}, their status ${calls('trainingStatus')},` +
        ` comparisons with fresh faces ${calls('findSimilar')} in ${during.waits.length} identifies`,
    );
    console.log(`  identify over HTTP, ms, without import: ${spread(alone)}`);
    console.log(`  identify over HTTP, ms, meanwhile:      ${spread(during.waits)}`);
    console.log(`  a person is named after at most, s:     ${spread(fresh.map((ms) => ms / 1_000))}`);
  } finally {
    await stack.close();
  }
}

async function measuredJitter({ stack }: TestStack): Promise<number> {
  const table = TableClient.fromConnectionString(stack.endpoints.storageConnectionString, tables.quota, {
    allowInsecureConnection: true,
  });
  for await (const { value0 } of table.listEntities<{ value0: string }>()) {
    return (JSON.parse(value0) as Schedule).jitter.ms;
  }
  return NaN;
}

/** Asks who is on a picture of the man of whom all pictures of the import are: every person of it is a candidate. */
async function identify(stack: TestStack): Promise<{ tookMs: number; persons: string[] }> {
  const begin = performance.now();
  const { status, body } = await stack.postPicture(
    'groups/bulk/identify?maxCandidates=100',
    portrait(franck[1] ?? ''),
  );
  if (status !== 200) throw new Error(`identify answered ${status}`);
  const { faces } = body as { faces: { candidates: { person: string }[] }[] };
  return {
    tookMs: performance.now() - begin,
    persons: faces.flatMap(({ candidates }) => candidates.map(({ person }) => person)),
  };
}

async function dropAll(stack: TestStack, total: number): Promise<void> {
  let next = 0;
  const drop = async (): Promise<void> => {
    for (let index = next++; index < total; index = next++) {
      const picture = portrait(franck[index % franck.length] ?? '');
      await stack.drop(`enroll/bulk/person-${index % persons}/${Math.floor(index / persons)}.jpg`, picture);
    }
  };
  await Promise.all(Array.from({ length: 8 }, drop));
}

/** Identifies now and then until all pictures are enrolled, and notes when a person was first among the candidates. */
async function callMeanwhile(stack: TestStack, total: number) {
  const waits: number[] = [];
  const firstNamedAt = new Map<string, number>();
  for (;;) {
    const { images } = await stack.group('bulk');
    const { tookMs, persons: named } = await identify(stack);
    waits.push(tookMs);
    for (const person of named) firstNamedAt.set(person, firstNamedAt.get(person) ?? Date.now());
    if (images['enrolled'] === total + 1) return { waits, firstNamedAt };
    await sleep(identifyEveryMs);
  }
}

/** From the moment at which Face had the first face of a person until an answer named him; milliseconds. */
async function freshness(stack: TestStack, firstNamedAt: ReadonlyMap<string, number>): Promise<number[]> {
  const enrolledAt = new Map<string, number>();
  for (let after = ''; ;) {
    const page = await stack.get<{ items: (ImageView & { updatedAt: string })[]; next?: string }>(
      `groups/bulk/images?state=enrolled&top=1000${after}`,
    );
    for (const { person = '', updatedAt } of page.items) {
      enrolledAt.set(person, Math.min(Date.parse(updatedAt), enrolledAt.get(person) ?? Infinity));
    }
    if (page.next === undefined) break;
    after = `&after=${encodeURIComponent(page.next)}`;
  }
  enrolledAt.delete('first');
  return [...enrolledAt].map(([person, at]) => (firstNamedAt.get(person) ?? Infinity) - at);
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN).toFixed(1);
  return `median ${at(0.5)}, 95th ${at(0.95)}, 99th ${at(0.99)} (${sorted.length})`;
}

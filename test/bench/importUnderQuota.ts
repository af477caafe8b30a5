import { setTimeout as sleep } from 'node:timers/promises';
import { TableClient } from '@azure/data-tables';
import type { Schedule } from '../../shared/quota/schedule.ts';
import { tables } from '../../shared/resources.ts';
import { eventually } from '../helpers/eventually.ts';
import { franck, portrait } from '../helpers/pictures.ts';
import { startTestStack, type GroupView, type ImageView, type TestStack } from '../helpers/stack.ts';

/*
 * An import at ten calls a second, with callers who identify meanwhile: what of the quota is used, whether a call is
 * refused, what callers wait beside the same calls with no import, how soon a face is searchable.
 */

const quota = 10;
const persons = 50;
/** An identify is two calls: together a tenth of the quota. */
const identifyEveryMs = 2_000;
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
    instances,
    settings: { TRAIN_QUIET_SECONDS: '2', SWEEP_SCHEDULE: '*/30 * * * * *' },
  });
  try {
    await stack.drop('enroll/callers/franck/1.jpg', portrait(franck[0] ?? ''));
    await stack.covered('callers');
    const alone: number[] = [];
    for (let call = 0; call < callsBefore; call += 1) {
      alone.push(await timeIdentify(stack));
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
    await eventually('all are searchable', async () => (await stack.group('bulk')).training.covered, 60_000);
    const after = await stack.calls();
    const fresh = await freshness(stack, during.trainings);

    const calls = (name: string) => (after.byOperation[name] ?? 0) - (before.byOperation[name] ?? 0);
    const sum = ({ byOperation }: typeof before) => Object.values(byOperation).reduce((a, b) => a + b, 0);
    const sent = sum(atEnd) - sum(before);
    console.log(
      `import of ${total} pictures of ${persons} persons at ${quota} calls a second, ${instances} instance(s)`,
    );
    console.log(
      `  ${(enrolledAfter / 1_000).toFixed(0)} s, ${((sent / enrolledAfter) * 1_000).toFixed(2)} calls a second, refused: ${after.refused}`,
    );
    console.log(`  jitter measured by the gate: ${(await measuredJitter(stack)).toFixed(0)} ms`);
    console.log(
      `  calls: detect ${calls('detect') - during.waits.length}, add ${calls('addFace')}, persons ${calls('createPerson')},` +
        ` groups ${calls('createGroup')}, trainings ${calls('train')}, their status ${calls('trainingStatus')}`,
    );
    console.log(`  identify over HTTP, ms, without import: ${spread(alone)}`);
    console.log(`  identify over HTTP, ms, meanwhile:      ${spread(during.waits)}`);
    console.log(`  a face is searchable after, s:          ${spread(fresh.map((ms) => ms / 1_000))}`);
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

async function timeIdentify(stack: TestStack): Promise<number> {
  const begin = performance.now();
  const { status } = await stack.postPicture('groups/callers/identify', portrait(franck[1] ?? ''));
  if (status !== 200) throw new Error(`identify answered ${status}`);
  return performance.now() - begin;
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

type Trained = { startedAt: number; seenAt: number };

/** Identifies now and then until all pictures are enrolled, and watches the trainings. */
async function callMeanwhile(stack: TestStack, total: number) {
  const waits: number[] = [];
  const trainings: Trained[] = [];
  for (let nextCall = Date.now(); ; await sleep(250)) {
    const { status, body } = await stack.api('groups/bulk');
    if (status === 200) {
      const { images, training } = body as GroupView;
      const startedAt = Date.parse(training.lastTrainedAt ?? '');
      if (startedAt > (trainings.at(-1)?.startedAt ?? 0)) trainings.push({ startedAt, seenAt: Date.now() });
      if (images['enrolled'] === total && training.covered) return { waits, trainings };
    }
    if (Date.now() < nextCall) continue;
    nextCall = Date.now() + identifyEveryMs;
    waits.push(await timeIdentify(stack));
  }
}

/** From the moment at which Face had a face until a training that began after it was over; milliseconds. */
async function freshness(stack: TestStack, trainings: readonly Trained[]): Promise<number[]> {
  const times: number[] = [];
  for (let after = ''; ;) {
    const page = await stack.get<{ items: (ImageView & { updatedAt: string })[]; next?: string }>(
      `groups/bulk/images?state=enrolled&top=1000${after}`,
    );
    for (const { updatedAt } of page.items) {
      const enrolledAt = Date.parse(updatedAt);
      const covering = trainings.find(({ startedAt }) => startedAt >= enrolledAt);
      if (covering !== undefined) times.push(covering.seenAt - enrolledAt);
    }
    if (page.next === undefined) return times;
    after = `&after=${encodeURIComponent(page.next)}`;
  }
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN).toFixed(1);
  return `median ${at(0.5)}, 95th ${at(0.95)}, 99th ${at(0.99)} (${sorted.length})`;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { TableClient } from '@azure/data-tables';
import type { TrainingTime } from '../../emulators/face/training/trainingTime.ts';
import type { Schedule } from '../../shared/quota/schedule.ts';
import { queues, tables } from '../../shared/config/resources.ts';
import { eventually } from '../helpers/eventually.ts';
import { fakePicture, startFakeFace } from '../helpers/fakeFace.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';
import { watchFreshness } from './freshness.ts';
import { countMessages } from './messageCounts.ts';
import { spread } from './spread.ts';

/*
 * An import at ten calls a second, with callers who identify meanwhile: what of the quota is used, whether a call is
 * refused, what callers wait beside the same calls with no import, how soon a face is searchable. The models of the
 * Face service are fake, its quota, its trainings and its gallery are not.
 */

export type ImportOptions = {
  instances: number;
  minutes: number;
  /** How long trainings take: as Azure's do, or always so many seconds. */
  training: TrainingTime;
};

const quota = 10;
const persons = 50;
/** An identify is two calls, three while faces wait for a training: together a tenth of the quota. */
const identifyEveryMs = 3_000;
/** With no import there is no hurry either. */
const identifyAloneEveryMs = 1_500;
const callsAlone = 60;
const maxWaitSeconds = 8;
/** At the begin and at the end of an import there is no backlog that could use the whole quota. */
const rampMs = 10_000;
const fewPictures = 50;

export async function importUnderQuota({ instances, minutes, training }: ImportOptions): Promise<void> {
  const face = await startFakeFace({ quota: { calls: quota, perSeconds: 1 }, trainingTime: training });
  const stack = await startTestStack({
    face: face.ready,
    faceTps: quota,
    instances,
    settings: {
      TRAIN_QUIET_SECONDS: '2',
      TRAIN_MAX_WAIT_SECONDS: String(maxWaitSeconds),
      SWEEP_SCHEDULE: '*/30 * * * * *',
    },
  });
  const messages = countMessages(stack.stack.dataDir);
  try {
    await stack.drop('enroll/bulk/first/1.png', fakePicture('person-0'));
    await eventually(
      'the group is trained',
      async () => (await stack.group('bulk')).training.lastTrainedAt,
      300_000,
    );
    const alone: number[] = [];
    for (let call = 0; call < callsAlone; call += 1) {
      alone.push(await identify(stack));
      await sleep(identifyAloneEveryMs);
    }

    const total = Math.floor(((quota / 2) * 0.9 * minutes * 60) / persons) * persons;
    const before = await stack.calls();
    const begin = performance.now();
    const freshness = watchFreshness(stack, 'bulk');
    const [during, backlog] = await Promise.all([
      callMeanwhile(stack, () => 1 + total + freshness.probes()),
      watchBacklog(stack, total),
      dropAll(stack, total),
    ]);
    const seconds = (performance.now() - begin) / 1_000;
    const fresh = await freshness.stop();
    const after = await stack.calls();

    const calls = (name: string) => (after.byOperation[name] ?? 0) - (before.byOperation[name] ?? 0);
    const enrolled = total + fresh.probes;
    const jitterMs = await measuredJitter(stack);
    const possible = 1 / (1 + jitterMs / 1_000);
    const used = backlog.callsASecond / quota;
    const longestTraining = training === 'published' ? 0 : Number(training);
    const maxWait = Math.max(maxWaitSeconds, 4 * (Number.isNaN(longestTraining) ? 0 : longestTraining));
    const sent = messagesOf(messages, enrolled);
    console.log(
      `import of ${total} pictures of ${persons} persons at ${quota} calls a second, ${instances} instance(s),` +
        ` trainings of ${training === 'published' ? 'as long as published' : `${training} s`}`,
    );
    console.log(
      `  quota used while there is a backlog: ${percent(used)}; with the jitter of ${jitterMs.toFixed(0)} ms that the limiter` +
        ` measured ${percent(possible)} is possible, of which ${percent(used / possible)}`,
    );
    console.log(`  refused by Face: ${after.refused} of all calls`);
    console.log(
      `  calls a picture: detect ${((calls('detect') - during.length - fresh.detects) / enrolled).toFixed(3)}, add ${(calls('addFace') / enrolled).toFixed(3)};` +
        ` persons ${calls('createPerson')} of ${persons + fresh.probes}, groups ${calls('createGroup')}`,
    );
    console.log(
      `  trainings: ${calls('train')} in ${seconds.toFixed(0)} s, at most ${2 + Math.ceil(seconds / maxWait)} allowed;` +
        ` polls of them: ${calls('trainingStatus')}`,
    );
    console.log(`  messages a picture: ${sent}`);
    console.log(`  identify over HTTP, ms, without import: ${spread(alone)}`);
    console.log(`  identify over HTTP, ms, meanwhile:      ${spread(during)}`);
    console.log(
      `  from enrolled to named, s: ${spread(fresh.seconds)}, longest ${Math.max(...fresh.seconds).toFixed(2)};` +
        ` asked in ${fresh.identifies} identifies, ${percent(fresh.calls / (seconds * quota))} of the quota`,
    );
  } finally {
    messages.close();
    await stack.close();
    await face.close();
  }
}

/** How often messages are sent away to come back later shows in what is scheduled. */
function messagesOf(messages: ReturnType<typeof countMessages>, pictures: number): string {
  return [queues.images, queues.persons]
    .map(({ name }) => {
      const { atOnce, scheduled, failed, deadLettered } = messages.of(name);
      const each = (count: number) => (count / pictures).toFixed(2);
      return `${name} ${each(atOnce)} at once, ${each(scheduled)} sent away, ${failed} failed, ${deadLettered} dead`;
    })
    .join('; ');
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

/** Asks who is on a picture of somebody whom the group knows; gives the milliseconds. */
async function identify(stack: TestStack): Promise<number> {
  const begin = performance.now();
  const { status } = await stack.postPicture('groups/bulk/identify', fakePicture('person-0'));
  if (status !== 200) throw new Error(`identify answered ${status}`);
  return performance.now() - begin;
}

async function dropAll(stack: TestStack, total: number): Promise<void> {
  let next = 0;
  const drop = async (): Promise<void> => {
    for (let index = next++; index < total; index = next++) {
      const person = `person-${index % persons}`;
      await stack.drop(`enroll/bulk/${person}/${Math.floor(index / persons)}.png`, fakePicture(person));
    }
  };
  await Promise.all(Array.from({ length: 8 }, drop));
}

/** Identifies now and then until all pictures are enrolled. */
async function callMeanwhile(stack: TestStack, total: () => number): Promise<number[]> {
  const waits: number[] = [];
  for (;;) {
    waits.push(await identify(stack));
    if (((await stack.group('bulk')).images['enrolled'] ?? 0) >= total()) return waits;
    await sleep(identifyEveryMs);
  }
}

/** The calls a second that Face had while enough pictures waited for them. */
async function watchBacklog(stack: TestStack, total: number): Promise<{ callsASecond: number }> {
  const sample = async () => {
    const { byOperation } = await stack.calls();
    return {
      at: performance.now(),
      calls: Object.values(byOperation).reduce((sum, count) => sum + count, 0),
      added: byOperation['addFace'] ?? 0,
    };
  };
  await sleep(rampMs);
  const first = await sample();
  let last = first;
  for (let next = first; next.added < total - fewPictures; next = await sample()) {
    last = next;
    await sleep(1_000);
  }
  return { callsASecond: (last.calls - first.calls) / ((last.at - first.at) / 1_000) };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

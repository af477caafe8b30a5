import { setTimeout as sleep } from 'node:timers/promises';
import { queues } from '../../shared/config/resources.ts';
import { startCountingProxy } from '../helpers/countingProxy.ts';
import { eventually } from '../helpers/eventually.ts';
import { fakePicture, startFakeFace } from '../helpers/fakeFace.ts';
import { startTestStack } from '../helpers/stack.ts';
import { countMessages } from './messageCounts.ts';

/*
 * What a picture costs when its group has a hundred, a thousand and ten thousand others. The Face service has fake
 * models, so that what is measured is the pipeline. What counts is the ratio to the first window.
 */

const persons = 50;
/** Every person is there before the first window, and the Functions host is warm. */
const warm = persons;
/** From so many pictures in the group to so many. */
const windows = [
  { from: 50, to: 150 },
  { from: 900, to: 1_100 },
  { from: 9_900, to: 10_100 },
] as const;
const dropsAtOnce = 8;
/** Longer than a training lets itself wait. */
const quietMs = 4_000;

type Cost = Record<string, number>;

export async function growth(): Promise<void> {
  const bench = await startGrowing();
  try {
    await bench.grow(warm);
    console.log('cost a picture as its group grows (ratio to the first)');
    let first: Cost | undefined;
    for (const { from, to } of windows) {
      await bench.grow(from);
      const before = await bench.counts();
      const { seconds } = await bench.grow(to);
      const after = await bench.counts();
      const pictures = to - from;
      const cost: Cost = Object.fromEntries(
        Object.entries(after).map(([name, count]) => [name, (count - (before[name] ?? 0)) / pictures]),
      );
      cost['milliseconds'] = (seconds * 1_000) / pictures;
      Object.assign(cost, await bench.sweepCost());
      first ??= cost;
      console.log(`  from ${from} to ${to} pictures:${described(cost, first)}`);
    }
  } finally {
    await bench.close();
  }
}

async function startGrowing() {
  const face = await startFakeFace();
  const proxies = {
    blob: await startCountingProxy(),
    queue: await startCountingProxy(),
    table: await startCountingProxy(),
  };
  const stack = await startTestStack({
    face: face.ready,
    settings: ({ storageConnectionString }) => ({
      // Once a year: what a resync costs is measured by itself.
      SWEEP_SCHEDULE: '0 0 0 1 1 *',
      ROLLCALL_STORAGE: Object.entries(proxies).reduce(
        (text, [service, proxy]) =>
          text.replace(new RegExp(`(?<=${service}Endpoint=http://127\\.0\\.0\\.1:)\\d+`, 'i'), (port) => {
            proxy.aimAt(Number(port));
            return String(proxy.port);
          }),
        storageConnectionString,
      ),
    }),
  });
  const messages = countMessages(stack.stack.dataDir);
  const operations = (): number => Object.values(proxies).reduce((sum, proxy) => sum + proxy.count(), 0);
  let dropped = 0;

  /** Waits until the pipeline has nothing to do any more: trained, and still for a while. */
  async function quiet(): Promise<void> {
    for (let last = -1; last !== operations();) {
      last = operations();
      await sleep(quietMs);
    }
  }

  return {
    /** Imports until the group has so many pictures, and waits for quiet; the seconds until Face had the last face. */
    async grow(to: number): Promise<{ seconds: number }> {
      const begin = performance.now();
      const drop = async (): Promise<void> => {
        while (dropped < to) {
          const index = dropped++;
          const person = `person-${index % persons}`;
          await stack.drop(`enroll/growth/${person}/${index}.png`, fakePicture(person));
        }
      };
      await Promise.all(Array.from({ length: dropsAtOnce }, drop));
      // Asked at the Face service: the pipeline's own answers would cost operations.
      await eventually(
        `Face has ${to} faces`,
        async () => {
          await sleep(200);
          return ((await stack.calls()).byOperation['addFace'] ?? 0) >= to;
        },
        1_200_000,
      );
      const seconds = (performance.now() - begin) / 1_000;
      await quiet();
      return { seconds };
    },

    async counts(): Promise<Cost> {
      const { byOperation } = await stack.calls();
      const { train = 0, trainingStatus = 0, ...others } = byOperation;
      const sent = Object.values(queues).map(({ name }) => messages.of(name));
      const sum = (kind: keyof (typeof sent)[number]) =>
        sent.reduce((total, counts) => total + counts[kind], 0);
      return {
        'calls to Face': Object.values(others).reduce((total, count) => total + count, 0),
        'of trainings': train + trainingStatus,
        'table operations': proxies.table.count(),
        'blob operations': proxies.blob.count(),
        'queue operations': proxies.queue.count(),
        'messages sent': sum('atOnce') + sum('scheduled'),
        'deliveries that failed': sum('failed'),
      };
    },

    /** Operations of one resync that finds nothing to do. */
    async sweepCost(): Promise<Cost> {
      const before = operations();
      await fetch(`${stack.http}/admin/functions/sweep`, {
        method: 'POST',
        headers: { 'x-functions-key': stack.stack.endpoints.adminKey },
      });
      await quiet();
      return { 'operations of a resync': operations() - before };
    },

    async close(): Promise<void> {
      messages.close();
      await stack.close();
      await face.close();
      for (const proxy of Object.values(proxies)) proxy.close();
    },
  };
}

function described(cost: Cost, first: Cost): string {
  return Object.entries(cost)
    .map(([name, value]) => {
      const ratio = first[name] === 0 ? '' : ` (${(value / (first[name] ?? NaN)).toFixed(2)})`;
      return `${name} ${value.toFixed(2)}${ratio}`;
    })
    .map((line) => `\n    ${line}`)
    .join('');
}

import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../helpers/eventually.ts';
import { fakePicture } from '../helpers/fakeFace.ts';
import type { ImageView, TestStack } from '../helpers/stack.ts';

export type Freshness = {
  /** From the moment at which a probe was enrolled until an answer named him. */
  seconds: number[];
  probes: number;
  identifies: number;
  detects: number;
  /** Calls to Face that the asking cost. */
  calls: number;
};

const everyMs = 15_000;
const askEveryMs = 400;
/** An identify by face ID: one call, and one more while faces wait for a training. */
const callsOfAnIdentify = 2;

/**
 * Drops a picture of somebody new now and then while an import runs, and asks for him from the moment at which his
 * picture is enrolled. One face ID is asked for again and again, which costs no detection.
 */
export function watchFreshness(
  stack: TestStack,
  group: string,
): { probes(): number; stop(): Promise<Freshness> } {
  const found: Freshness = { seconds: [], probes: 0, identifies: 0, detects: 0, calls: 0 };
  const stopped = new AbortController();

  async function probe(who: string): Promise<void> {
    const image = `enroll/${group}/${who}/1.bmp`;
    await stack.drop(image, fakePicture(who));
    found.probes += 1;
    const enrolledAt = await eventually(
      `${who} is enrolled`,
      async () => {
        await sleep(askEveryMs);
        const { items } = await stack.get<{ items: (ImageView & { updatedAt: string })[] }>(
          `groups/${group}/images?person=${who}`,
        );
        const [item] = items;
        return item?.state === 'enrolled' ? Date.parse(item.updatedAt) : undefined;
      },
      1_200_000,
    );
    const detected = await stack.postPicture(`groups/${group}/identify`, fakePicture(who));
    found.detects += 1;
    found.calls += 1;
    const { faces } = detected.body as { faces: { faceId: string }[] };
    const ask = async (): Promise<unknown> =>
      (await stack.postJson(`groups/${group}/identify`, { faceIds: faces.map(({ faceId }) => faceId) })).body;
    let answer: unknown = detected.body;
    for (;;) {
      found.identifies += 1;
      found.calls += callsOfAnIdentify;
      if (names(answer, who)) break;
      await sleep(askEveryMs);
      answer = await ask();
    }
    found.seconds.push((Date.now() - enrolledAt) / 1_000);
  }

  async function run(): Promise<void> {
    const probes: Promise<void>[] = [];
    for (let number = 1; !stopped.signal.aborted; number += 1) {
      probes.push(probe(`probe-${number}`));
      await sleep(everyMs, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
    await Promise.all(probes);
  }

  const running = run();
  return {
    probes: () => found.probes,
    async stop() {
      stopped.abort();
      await running;
      return found;
    },
  };
}

function names(answer: unknown, who: string): boolean {
  const { faces } = answer as { faces: { candidates: { person: string }[] }[] };
  return faces.some(({ candidates }) => candidates.some(({ person }) => person === who));
}

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fakePicture, startFakeFace } from '../helpers/fakeFace.ts';
import { importFakes, trainingSettings, trainingsAtMost } from '../helpers/fakeImport.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

/* What the pipeline asks of Face, counted where it arrives, at a service that enforces its quota. */

const quota = { calls: 10, perSeconds: 1 };
/** Callers go first: without a pause they would take the whole quota. */
const betweenCallersMs = 1_000;
const persons = 4;
const pictures = 200;
/**
 * A trigger delivers at least once: on a machine that is too busy to renew the lock of a message in time, a second
 * instance may detect an image while the first one still does. Adding a face and all else stay exactly once.
 */
const detectedTwiceAtMost = pictures / 100;

describe.each([1, 4])('%d instance(s)', (instances) => {
  let face: Awaited<ReturnType<typeof startFakeFace>>;
  let stack: TestStack;

  beforeAll(async () => {
    face = await startFakeFace({ quota, trainingTime: 'published' });
    stack = await startTestStack({
      face: face.ready,
      faceTps: quota.calls,
      instances,
      settings: trainingSettings,
    });
  });

  afterAll(async () => {
    await stack.close();
    await face.close();
  });

  /** The calls that Face got since then, by operation. */
  async function callsSince(before: Record<string, number>): Promise<Record<string, number>> {
    const { byOperation } = await stack.calls();
    const since = Object.entries(byOperation).map(
      ([name, calls]) => [name, calls - (before[name] ?? 0)] as const,
    );
    return Object.fromEntries(since.filter(([, calls]) => calls > 0));
  }

  test('an import and callers share the quota without a refusal, and no call is made too often', async () => {
    await stack.api('groups/few', { method: 'PUT' });
    const importing = new AbortController();
    let asked = 0;
    let answered = 0;
    const callers = (async () => {
      while (!importing.signal.aborted) {
        const { status } = await stack.api('groups/few/identify', {
          method: 'POST',
          headers: { 'content-type': 'application/octet-stream' },
          body: new Uint8Array(fakePicture('stranger')),
        });
        // On a machine that is too busy to answer in time, a caller is told to come back. Each request counts: one
        // that was not answered may have been detected.
        expect([200, 429, 503]).toContain(status);
        asked += 1;
        if (status === 200) answered += 1;
        await sleep(betweenCallersMs);
      }
    })();
    const seconds = await importFakes(stack, { group: 'few', persons, pictures }).finally(() => {
      importing.abort();
    });
    await callers;
    const {
      train = 0,
      trainingStatus = 0,
      detect = 0,
      identify = 0,
      findSimilar = 0,
      ...others
    } = await callsSince({});
    expect((await stack.calls()).refused).toBe(0);
    expect(answered).toBeGreaterThan(0);
    expect(others).toEqual({ addFace: pictures, createPerson: persons, createGroup: 1 });
    expect(detect).toBeGreaterThanOrEqual(pictures + answered);
    expect(detect).toBeLessThanOrEqual(pictures + asked + detectedTwiceAtMost);
    expect(identify + findSimilar).toBeLessThanOrEqual(2 * asked);
    expect(train).toBeGreaterThan(0);
    expect(train).toBeLessThanOrEqual(trainingsAtMost(seconds));
    // Two, and one more where a training took longer than the one before it.
    expect(trainingStatus).toBeLessThanOrEqual(3 * train);
  }, 1_200_000);

  test('where any quality will do, a picture costs one call, and is refused for the same reasons', async () => {
    const before = (await stack.calls()).byOperation;
    await stack.api('groups/cheap', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ minQuality: 'none', severalFaces: 'reject' }),
    });
    const cases = [
      ['ann/1.png', fakePicture('ann'), undefined],
      ['ann/2.png', fakePicture('ann'), undefined],
      ['nobody/1.png', fakePicture(), 'no_face'],
      ['crowd/1.png', fakePicture('ann', 'ben'), 'several_faces'],
      ['text/1.png', Buffer.from('not a picture'), 'not_an_image'],
    ] as const;
    await Promise.all(cases.map(([path, bytes]) => stack.drop(`enroll/cheap/${path}`, bytes)));
    for (const [path, , reason] of cases) {
      const image = await stack.settled(`enroll/cheap/${path}`, 'enrolled', 'rejected');
      expect(image.reason).toBe(reason);
    }
    await stack.covered('cheap');
    const { detect, addFace } = await callsSince(before);
    expect(detect).toBeUndefined();
    // What Face refuses was a call, too; what is no picture never reaches Face.
    expect(addFace).toBe(4);
  });

  test('a request that is repeated under its key costs no call', async () => {
    const ask = () =>
      stack.api('groups/few/identify', {
        method: 'POST',
        headers: { 'content-type': 'image/png', 'idempotency-key': 'order-66' },
        body: new Uint8Array(fakePicture('stranger')),
      });
    const first = await ask();
    expect(first.status).toBe(200);
    const before = (await stack.calls()).byOperation;
    expect(await ask()).toMatchObject({ status: 200, body: first.body as object });
    expect(await callsSince(before)).toEqual({});
  });
});

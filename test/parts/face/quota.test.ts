import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { createLimiter, type FaceQuota } from '../../../emulators/face/scheduling/quota.ts';
import { openFaceStore } from '../../../emulators/face/storage/store.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { createFakeVision } from './fakeVision.ts';
import { startTestFace, type TestFace } from './harness.ts';

let face: TestFace | undefined;
const begin = Date.UTC(2026, 10, 23);
let at = begin;

afterEach(() => face?.close());

async function start(quota: FaceQuota, dataDir?: string): Promise<TestFace> {
  at = begin;
  face = await startTestFace({
    vision: createFakeVision(),
    quota,
    now: () => at,
    ...(dataDir === undefined ? {} : { dataDir }),
  });
  return face;
}

test('the call too many is refused, told when to come again, and let through then', async () => {
  const { call, ready } = await start({ calls: 3, perSeconds: 60 });
  const list = () => call('GET', '/largepersongroups');
  // Who has no key costs nobody anything.
  for (let tries = 0; tries < 5; tries += 1) await call('GET', '/largepersongroups', { key: 'wrong' });
  for (const second of [0, 10, 20]) {
    at = begin + second * 1_000;
    // An answer that is an error counts like any other.
    expect((await call('GET', '/largepersongroups/none')).status).toBe(404);
  }
  at = begin + 20_500;
  const refused = await list();
  expect(refused).toMatchObject({
    status: 429,
    body: { error: { code: '429', message: 'Rate limit is exceeded. Try again in 40 seconds.' } },
  });
  expect(refused.headers.get('retry-after')).toBe('40');
  at = begin + 59_999;
  expect((await list()).status).toBe(429);
  at = begin + 60_000;
  expect([(await list()).status, (await list()).status]).toEqual([200, 429]);

  const metrics = await (await fetch(`${ready.endpoint}/metrics`)).text();
  expect(metrics).toContain('face_requests_total{operation="getGroup",status="404"} 3');
  expect(metrics).toContain('face_requests_total{operation="listGroups",status="401"} 5');
  expect(metrics).toContain('face_requests_total{operation="listGroups",status="429"} 3');
  expect(metrics).toContain('face_requests_total{operation="listGroups",status="200"} 1');
  const health = await fetch(`${ready.endpoint}/health`);
  expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
});

test('the volume of a month is counted over restarts, and is new with the next month', async () => {
  const folder = await temporaryFolder();
  const quota = { calls: 100, perSeconds: 1, callsPerMonth: 4 };
  const first = await start(quota, folder.path);
  for (let calls = 0; calls < 3; calls += 1) await first.ask('GET', '/largepersongroups');
  await first.close();
  const second = await start(quota, folder.path);
  await second.ask('GET', '/largepersongroups');
  const refused = await second.call('GET', '/largepersongroups');
  const message = expect.stringMatching(
    /^Out of call volume quota\. Quota will be replenished in \d+ days\.$/,
  ) as string;
  expect(refused).toMatchObject({ status: 403, body: { error: { message } } });
  at = begin + 31 * 86_400_000;
  expect((await second.call('GET', '/largepersongroups')).status).toBe(200);
  await second.close();
  face = undefined;
  await folder.remove();
});

test('in no window are there more calls than the quota, and none is refused without need', () => {
  const store = openFaceStore(':memory:');
  const pauses = fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), pauses, (calls, gaps) => {
      let clock = begin;
      const limit = createLimiter({ calls, perSeconds: 1 }, store, () => clock);
      const passed: number[] = [];
      for (const gap of gaps) {
        clock += gap;
        const recent = passed.filter((time) => time > clock - 1_000).length;
        const refusal = limit();
        expect(refusal === undefined).toBe(recent < calls);
        if (refusal === undefined) passed.push(clock);
      }
    }),
  );
  store.close();
});

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { operations } from '../../../emulators/face/operations/operationTable.ts';
import { sizeOf } from '../../helpers/size.ts';
import { createFakeVision, picture } from './fakeVision.ts';
import { anyCall, type GeneratedCall, type Pool } from './generatedCalls.ts';
import { kinds, startTestFace, type TestFace } from './harness.ts';
import { readSpecification } from './specification.ts';

const specification = readSpecification();
if (specification === undefined) {
  process.stdout.write('FACE_SPEC is not set: answers are not checked against the OpenAPI of the Face API\n');
}
const versions = ['v1.0', 'v1.2'] as const;

/** What the error page of the Face API has, by status. */
const documented: Record<number, RegExp> = {
  400: /^(BadArgument|InvalidURL|InvalidImage|InvalidImageSize|FaceNotFound|FaceListNotReady|(Large)?(PersonGroup|FaceList)NotFound|((Large)?PersonGroup|LargeFaceList)NotTrained|PersonGroupIdAndLargePersonGroupIdBoth(Not)?Null)$/,
  403: /^(UnsupportedFeature|QuotaExceeded)$/,
  404: /^(404|FaceNotFound|PersonNotFound|PersistedFaceNotFound|(Large)?(PersonGroup|FaceList)NotFound|((Large)?PersonGroup|LargeFaceList)NotTrained)$/,
  409: /^((Large)?(PersonGroup|FaceList)Exists|((Large)?PersonGroup|LargeFaceList)TrainingNotFinished)$/,
  415: /^BadArgument$/,
};

let face: TestFace;
const pool: Pool = new Map();
const answered = new Map<string, number>();

beforeAll(async () => {
  face = await startTestFace({ vision: createFakeVision(), trainingTime: () => 5 });
  // Something to begin with, of the model that calls have by default.
  pool.set('/detect', [await face.detect(picture('ann'), '')]);
  for (const { path } of kinds) {
    const group = `/${path}/a`;
    await face.ask('PUT', group, { name: 'a' });
    pool.set(`${group}/persons`, [await face.person(group, 'ann', picture('ann'))]);
    await face.train(group);
  }
});

afterAll(() => face.close());

test('all 56 operations are served, and no others', () => {
  const served = operations.map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, '{}')}`);
  expect(new Set(served).size).toBe(56);
  if (specification !== undefined)
    expect(served.toSorted()).toEqual(specification.operations('v1.2').toSorted());
});

test('no generated call gets an answer outside the contract', { timeout: 1_800_000 }, async () => {
  const runs = sizeOf({ quick: 20, full: 200 });
  const calls = fc.array(fc.tuple(fc.constantFrom(...versions), anyCall), { minLength: 50, maxLength: 50 });
  let made = 0;
  await fc.assert(
    fc.asyncProperty(calls, async (drawn) => {
      for (const [version, callFor] of drawn) {
        await expectContract(version, callFor(pool));
        made += 1;
      }
    }),
    // What a call meets depends on the calls before it: a failure is not made smaller by trying parts of them.
    { numRuns: runs, endOnFailure: true },
  );
  expect(made).toBe(50 * runs);
  // The calls get somewhere: every operation has succeeded, not only refused.
  expect(operations.filter(({ name }) => !answered.has(name)).map(({ name }) => name)).toEqual([]);
});

async function expectContract(version: 'v1.0' | 'v1.2', call: GeneratedCall): Promise<void> {
  const { name, method, pattern, path, contentType, body } = call;
  const response = await fetch(`${face.ready.endpoint}/face/${version}${path}`, {
    method,
    headers: {
      'ocp-apim-subscription-key': face.ready.key,
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
    },
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  });
  const text = await response.text();
  const { status, headers } = response;
  const what = `${version} ${method} ${path} ${status} ${text.slice(0, 300)}`;
  const answer: unknown = text === '' ? undefined : JSON.parse(text);
  if (answer !== undefined) expect(headers.get('content-type'), what).toBe('application/json; charset=utf-8');
  if (status >= 300) expectFault(status, headers, answer, what);
  else remember(name, path.replace(/\?.*/, ''), answer);
  const isKnown = !(status === 404 && text.includes('Resource not found'));
  if (isKnown) specification?.check(version, pattern, status, answer);
}

function expectFault(status: number, headers: Headers, answer: unknown, what: string): void {
  const { code, message } = (answer as { error: { code: string; message: string } }).error;
  expect(answer, what).toEqual({ error: { code, message } });
  expect(documented[status]?.test(code), what).toBe(true);
  expect(message, what).not.toBe('');
  expect(headers.get('x-ms-error-code'), what).toBe(code);
}

function remember(name: string, path: string, answer: unknown): void {
  answered.set(name, (answered.get(name) ?? 0) + 1);
  const { personId, persistedFaceId } = (answer ?? {}) as { personId?: string; persistedFaceId?: string };
  const ids = {
    createPerson: [personId],
    addFace: [persistedFaceId],
    detect: name === 'detect' ? (answer as { faceId?: string }[]).map(({ faceId }) => faceId) : [],
  }[name];
  if (ids !== undefined) pool.set(path, [...(pool.get(path) ?? []), ...ids.filter((id) => id !== undefined)]);
}

import fc from 'fast-check';
import { operations } from '../../../emulators/face/operations/operationTable.ts';
import { picture } from './fakeVision.ts';

/** IDs that the service has answered with, by the path that they belong to: generated calls use them again. */
export type Pool = Map<string, string[]>;

export type GeneratedCall = {
  name: string;
  method: string;
  /** With a dummy for each parameter, as the specification compares them. */
  pattern: string;
  path: string;
  contentType: string | undefined;
  body: Uint8Array | undefined;
};

const junk = ['No', 'x'.repeat(65), '%00', 'ü', 'null', "a'b", '0', '..%2F..', '%F0%9F%98%80', '%zz', '-'];
const unknownId = '00000000-0000-4000-8000-000000000000';

/** The good ones often, so that calls get somewhere. */
const mostly = <Value>(good: fc.Arbitrary<Value>, bad: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
  fc.oneof({ arbitrary: good, weight: 9 }, { arbitrary: bad, weight: 1 });

const collection = mostly(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('missing', ...junk));
/** A number that picks an ID of the pool when the call is made. */
const pick = mostly(fc.nat(1_000), fc.constant(-1));

function picked(pool: Pool, path: string, index: number): string {
  const ids = pool.get(path) ?? [];
  return index < 0 ? unknownId : (ids[ids.length - 1 - (index % Math.max(1, ids.length))] ?? unknownId);
}

const text = fc.oneof(
  fc.constantFrom('a name', '', 'x'.repeat(128), 'x'.repeat(129), 'ü'.repeat(128), '😀'.repeat(128), null),
  fc.string(),
  fc.integer(),
  fc.constant({}),
);
const userData = fc.oneof(
  fc.constantFrom('data', 'y'.repeat(16_384), 'y'.repeat(16_385), '', null, 7),
  fc.string(),
);
const model = mostly(
  fc.constantFrom('recognition_01', 'recognition_01', 'recognition_04'),
  fc.constantFrom('recognition_05', '', null, 4),
);
const named = fc.record(
  { name: mostly(fc.constant('a name'), text), userData, recognitionModel: model },
  { requiredKeys: [] },
);
const number = fc.oneof(fc.constantFrom(0, 1, 10, 20, 100, 1_000, 1_001, -1, 0.5, '5', null), fc.double());

const bools = mostly(fc.constantFrom('true', 'false', 'True', 'FALSE'), fc.constantFrom('1', '', 'yes'));
const queries: Record<string, fc.Arbitrary<Record<string, string>>> = {
  detect: fc.record(
    {
      detectionModel: mostly(
        fc.constantFrom('detection_01', 'detection_03'),
        fc.constantFrom('detection_02', 'detection_04', ''),
      ),
      recognitionModel: mostly(fc.constantFrom('recognition_01', 'recognition_04'), fc.constant('x')),
      returnFaceId: mostly(fc.constant('true'), bools),
      returnFaceLandmarks: bools,
      returnFaceAttributes: mostly(
        fc.subarray(['blur', 'exposure', 'headPose', 'glasses', 'occlusion']).map(String),
        fc
          .subarray(['mask', 'noise', 'accessories', 'qualityForRecognition', 'emotion', 'x', ''])
          .map(String),
      ),
      returnRecognitionModel: bools,
      faceIdTimeToLive: mostly(
        fc.constantFrom('60', '86400'),
        fc.constantFrom('59', '86401', '1e3', '-', ''),
      ),
    },
    { requiredKeys: [] },
  ),
  addFace: fc.record(
    {
      detectionModel: mostly(fc.constantFrom('detection_01', 'detection_03'), fc.constant('detection_9')),
      targetFace: mostly(
        fc.constantFrom('10,10,100,120', '210,10,100,120', '10%2C10%2C100%2C120'),
        fc.constantFrom('1,2,3', '0,0,0,0', '0,0,9999,9999', '-1,0,5,5', 'a,b,c,d', '1e1,1,1,1', ''),
      ),
      userData: fc.oneof(fc.constantFrom('u', 'u'.repeat(1_024), 'u'.repeat(1_025)), fc.string()),
    },
    { requiredKeys: [] },
  ),
  page: fc.record(
    {
      start: fc.oneof(fc.constantFrom('', 'a', 'x'.repeat(64), 'x'.repeat(65)), fc.string()),
      top: mostly(fc.constantFrom('1', '2', '1000'), fc.constantFrom('0', '1001', '-1', 'x', '', '1.5')),
      returnRecognitionModel: bools,
    },
    { requiredKeys: [] },
  ),
};

const pictureBody = mostly<Uint8Array>(
  fc.array(fc.constantFrom('ann', 'ben', 'cy'), { minLength: 1, maxLength: 2 }).map((who) => picture(...who)),
  fc.oneof<fc.Arbitrary<Uint8Array>[]>(
    fc.constant(picture()),
    fc.uint8Array({ maxLength: 50 }),
    fc.constant(Buffer.from('BM'.padEnd(2_000, 'x'))),
    fc.constant(Buffer.alloc(2_000)),
  ),
);
const urlBody = fc.record(
  { url: fc.constantFrom<unknown>('http://127.0.0.1:1/', 'file:///etc/passwd', 'x', '', null, 7, 'http://') },
  { requiredKeys: [] },
);

/** A property of a recognition call, as IDs of the pool. */
const ids = mostly(fc.array(pick, { minLength: 1, maxLength: 2 }), fc.array(pick, { maxLength: 11 }));
const recognition = fc.record(
  {
    faceId: pick,
    faceId1: pick,
    faceId2: pick,
    faceIds: ids,
    personId: pick,
    personGroupId: collection,
    largePersonGroupId: collection,
    faceListId: collection,
    largeFaceListId: collection,
    maxNumOfCandidatesReturned: number,
    confidenceThreshold: number,
    mode: mostly(fc.constantFrom('matchPerson', 'matchFace'), fc.constantFrom('x', 5)),
  },
  { requiredKeys: [] },
);
const wanted: Record<string, readonly (readonly string[])[]> = {
  identify: [
    ['faceIds', 'personGroupId'],
    ['faceIds', 'largePersonGroupId'],
  ],
  findSimilar: [
    ['faceId', 'faceIds'],
    ['faceId', 'faceListId'],
    ['faceId', 'largeFaceListId'],
  ],
  group: [['faceIds']],
  verify: [
    ['faceId1', 'faceId2'],
    ['faceId', 'personId', 'personGroupId'],
    ['faceId', 'personId', 'largePersonGroupId'],
  ],
};

type Draw = (pool: Pool) => unknown;

/** Bodies that name what the call is about, and may name more. */
function recognitionBody(name: string): fc.Arbitrary<Draw> {
  const properties = fc.constantFrom(...(wanted[name] ?? []));
  const complete = fc.record({
    ...{ faceId: pick, faceId1: pick, faceId2: pick, faceIds: ids, personId: pick },
    ...{ personGroupId: collection, largePersonGroupId: collection },
    ...{ faceListId: collection, largeFaceListId: collection },
  });
  const good = fc
    .tuple(properties, complete)
    .map(([names, values]) =>
      Object.fromEntries(Object.entries(values).filter(([property]) => names.includes(property))),
    );
  const drawn = mostly<Record<string, unknown>>(good, recognition);
  return drawn.map(
    (values) => (pool: Pool) =>
      Object.fromEntries(
        Object.entries(values).map(([property, value]) => [
          property,
          resolved(pool, values, property, value),
        ]),
      ),
  );
}

function resolved(pool: Pool, values: Record<string, unknown>, property: string, value: unknown): unknown {
  const { personGroupId, largePersonGroupId } = values as Record<string, string>;
  const group =
    personGroupId === undefined
      ? `/largepersongroups/${largePersonGroupId}`
      : `/persongroups/${personGroupId}`;
  if (property === 'personId') return picked(pool, `${group}/persons`, value as number);
  if (property === 'faceIds') return (value as number[]).map((index) => picked(pool, '/detect', index));
  return /^faceId\d?$/.test(property) ? picked(pool, '/detect', value as number) : value;
}

type Sent = { contentType: string | undefined; body: (pool: Pool) => Uint8Array | undefined };

const jsonOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const asJson = (draw: fc.Arbitrary<Draw>): fc.Arbitrary<Sent> =>
  draw.map((of) => ({ contentType: 'application/json', body: (pool) => jsonOf(of(pool)) }));
const asIs = (value: fc.Arbitrary<unknown>) => asJson(value.map((body) => () => body));
const hostile: fc.Arbitrary<Sent> = fc
  .tuple(
    fc.constantFrom('application/json', 'text/plain', 'application/octet-stream', 'x', 'application/json; x'),
    fc.oneof<fc.Arbitrary<Uint8Array>[]>(
      fc.uint8Array({ maxLength: 40 }),
      fc.json().map((json) => Buffer.from(json)),
      fc.constant(Buffer.from('[[['.repeat(5_000))),
      fc.constant(Buffer.from('{"__proto__":{"name":"x"},"constructor":1}')),
    ),
  )
  .map(([contentType, body]) => ({ contentType, body: () => body }));

function bodyOf(name: string, method: string): fc.Arbitrary<Sent> {
  if (method === 'GET' || method === 'DELETE' || name === 'train') {
    return fc.constant({ contentType: undefined, body: () => undefined });
  }
  if (name === 'detect' || name === 'addFace') {
    const bytes = pictureBody.map((body): Sent => ({
      contentType: 'application/octet-stream',
      body: () => body,
    }));
    return mostly(bytes, fc.oneof(asIs(urlBody), hostile));
  }
  if (name in wanted) return mostly(asJson(recognitionBody(name)), hostile);
  if (name === 'updateFace') return mostly(asIs(fc.record({ userData }, { requiredKeys: [] })), hostile);
  return mostly(asIs(named), hostile);
}

function callOf({
  name,
  method,
  path,
}: (typeof operations)[number]): fc.Arbitrary<(pool: Pool) => GeneratedCall> {
  const query =
    queries[name] ?? (name.startsWith('list') || name.startsWith('get') ? queries['page'] : undefined);
  const parts = fc.record({
    collection,
    person: pick,
    face: pick,
    bad: mostly(fc.constant(''), fc.constantFrom(...junk)),
    query: query ?? fc.constant({}),
    sent: bodyOf(name, method),
  });
  return parts.map((drawn) => (pool: Pool) => {
    const inside = path.replace(':collection', drawn.collection);
    const persons = inside.replace(/\/:person.*/, '');
    const ofPerson = inside.replace(':person', drawn.bad || picked(pool, persons, drawn.person));
    const faces = ofPerson.replace('/:face', '');
    const filled = ofPerson.replace(':face', drawn.bad || picked(pool, faces, drawn.face));
    return {
      ...{ name, method, pattern: `${method} ${path.replaceAll(/:\w+/g, '{}')}` },
      path: `${filled}?${new URLSearchParams(drawn.query).toString()}`,
      ...{ contentType: drawn.sent.contentType, body: drawn.sent.body(pool) },
    };
  });
}

/** Deletions less often, and recognition more: what was built up is to be used. */
function weightOf(name: string): number {
  if (/^delete(Group|List)$/.test(name)) return 1;
  return name in wanted || name === 'detect' ? 16 : 4;
}

/** Any call of the service, good or bad, about what earlier answers have named. */
export const anyCall: fc.Arbitrary<(pool: Pool) => GeneratedCall> = fc.oneof(
  ...operations.map((operation) => ({
    arbitrary: callOf(operation),
    weight: weightOf(operation.name),
  })),
);

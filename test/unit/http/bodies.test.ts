import { beforeEach, expect, test } from 'vitest';
import { fileOf } from '../../../shared/http/multipart.ts';
import { InvalidRequest } from '../../../shared/http/problem.ts';
import { inMemory, type InMemory } from '../../helpers/inMemory.ts';
import { portrait } from '../../helpers/pictures.ts';

const bytes = portrait('audrey_crop.jpg');
let app: InMemory;
let detected: Uint8Array[];

beforeEach(async () => {
  detected = [];
  app = inMemory({
    face: {
      async detect(picture) {
        detected.push(picture);
        return [];
      },
    },
  });
  await app.call('PUT', 'groups/club', { body: '{}' });
});

const ask = (headers: Record<string, string>, body: Uint8Array | string, operation = 'identify') =>
  app.call('POST', `groups/club/${operation}`, { headers, body });
const json = { 'content-type': 'application/json' };

/** A form as curl and browsers write it. */
async function formOf(...fields: [name: string, value: string | Blob, file?: string][]) {
  const form = new FormData();
  for (const [name, value, file] of fields)
    if (typeof value === 'string') form.set(name, value);
    else form.set(name, value, file);
  const written = new Response(form);
  const type = written.headers.get('content-type') ?? '';
  return { headers: { 'content-type': type }, body: new Uint8Array(await written.arrayBuffer()) };
}

const picture = new Blob([new Uint8Array(bytes)], { type: 'image/jpeg' });

test('a body of no type is a picture', async () => {
  expect(await ask({}, bytes)).toMatchObject({ status: 200 });
  expect(detected).toHaveLength(1);
});

test('a form with one file is that file, whatever else it has', async () => {
  const { headers, body } = await formOf(['note', 'a -- b'], ['file', picture, 'a "b".jpg']);
  expect(await ask(headers, body)).toMatchObject({ status: 200 });
  await ask({}, bytes);
  expect(detected[0]).toEqual(detected[1]);
});

test('a form that is sent again under its key is the same request, though its boundary is another', async () => {
  const key = { 'idempotency-key': 'one' };
  const [first, second] = [await formOf(['file', picture, 'a.jpg']), await formOf(['f', picture, 'b.jpg'])];
  const answered = await ask({ ...first.headers, ...key }, first.body);
  expect(await ask({ ...second.headers, ...key }, second.body)).toEqual(answered);
});

test.each([
  ['no file', [['note', 'x']]],
  [
    'two files',
    [
      ['a', picture, 'a.jpg'],
      ['b', picture, 'b.jpg'],
    ],
  ],
  ['too many parts', Array.from({ length: 21 }, (_, index) => [`f${index}`, 'x'])],
] as [string, [string, string | Blob, string?][]][])('a form with %s is refused', async (_what, fields) => {
  const { headers, body } = await formOf(...fields);
  expect(await ask(headers, body)).toMatchObject({ status: 400, body: { code: 'bad_request' } });
});

test('a form that is cut anywhere, or has no boundary, is refused', async () => {
  const small = await formOf(['file', new Blob(['0123456789'], { type: 'image/jpeg' }), 'a.jpg']);
  const type = small.headers['content-type'];
  for (let length = 0; length < small.body.length - 4; length += 1)
    expect(() => fileOf(small.body.subarray(0, length), type), `${length} bytes`).toThrow(InvalidRequest);
  expect(() => fileOf(small.body, 'multipart/form-data')).toThrow(InvalidRequest);
  expect(Buffer.from(fileOf(small.body, type).bytes).toString()).toBe('0123456789');
});

test.each(['gzip', 'br', 'GZIP', 'gzip, identity'])(
  'a body in %s is refused with the reason',
  async (encoding) => {
    const compressed = { 'content-encoding': encoding };
    for (const type of [json, {}])
      expect(await ask({ ...type, ...compressed }, bytes)).toMatchObject({
        status: 415,
        body: { code: 'unsupported_media_type', detail: expect.stringMatching(/compressed/) },
      });
    expect(await app.call('PUT', 'groups/club', { headers: compressed, body: '{}' })).toMatchObject({
      status: 415,
    });
    expect(await ask({ 'content-encoding': 'identity' }, bytes)).toMatchObject({ status: 200 });
  },
);

test('a type that is not taken is told which are', async () => {
  expect(await ask({ 'content-type': 'application/x-www-form-urlencoded' }, bytes)).toMatchObject({
    status: 415,
    body: { detail: expect.stringMatching(/x-www-form-urlencoded.*octet-stream.*multipart\/form-data/) },
  });
});

test.each([
  ['identify', '{"file": "aGVsbG8="}', /"url".*"image".*"faceIds"/],
  ['identify', '{"faceId": "a"}', /"url".*"image".*"faceIds"/],
  ['identify', '{"url": "https://example.com/", "image": "identify/club/a.jpg"}', /one of/],
  ['identify', '[]', /one of/],
  ['identify', 'null', /one of/],
  ['find-similar', '{"faceIds": ["a"]}', /"url".*"image".*"faceId"/],
  ['verify?person=ann', '{}', /"url".*"image".*"faceId"/],
  ['identify', '{"url": "http://example.com/a.jpg"}', /url: .*https:\/\//],
  ['identify', '{"faceIds": []}', /faceIds/],
])('%s of %s is told what is taken', async (operation, body, detail) => {
  expect(await ask(json, body, operation)).toMatchObject({
    status: 400,
    body: { code: 'bad_request', detail: expect.stringMatching(detail) },
  });
});

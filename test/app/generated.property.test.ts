import fc from 'fast-check';
import { Pool } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { routes } from '../../shared/http/routes.ts';
import { healthy } from '../helpers/eventually.ts';
import { expectDocumented } from '../helpers/documented.ts';
import { groupPicture, portrait } from '../helpers/pictures.ts';
import { sendRaw } from '../helpers/rawHttp.ts';
import { residentBytes } from '../helpers/residentBytes.ts';
import { seed, sizeOf } from '../helpers/size.ts';
import { useSharedStack } from '../helpers/stack.ts';

const requests = sizeOf({ quick: 400, full: 10_000 });
const atOnce = 8;
/** One request in so many is written to a socket as no client would. */
const oneRawIn = 10;
/** After so many requests everything is loaded, and what the process holds should stay. */
const warmUp = Math.floor(requests / 5);
/** What the heap of a process may wander; less than 25 KB for each request after the warm-up. */
const growthAtMost = 200 * 1024 * 1024;

const stack = useSharedStack();
let pool: Pool;

beforeAll(async () => {
  pool = new Pool(stack.http, { connections: atOnce });
  await stack.drop('enroll/known/ann/1.jpg', portrait('audrey_crop.jpg'));
  await stack.covered('known');
});

afterAll(() => pool.close());

type Generated = {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array | undefined;
};

/** Names as people write them, and as attackers do. */
const odd = fc.oneof(
  fc.constantFrom(
    'known',
    'ann',
    '1.jpg',
    '..',
    '.',
    '%00',
    'a/b',
    "' or 1 eq 1 or '",
    '~',
    '__b',
    'A B',
    '\u202e',
    '💥',
    'a'.repeat(300),
    '-1',
    '1e9',
    '1e999',
    '0x10',
    '0.5',
    '1,5',
    'NaN',
    'Infinity',
    '-0',
    '',
    ' ',
    'null',
    '[]',
    '{}',
    '<script>',
    '%zz',
    '..;',
    '%2e%2e',
    '\u0000',
    '2026-01-01T00:00:00Z',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
);

const path = fc
  .tuple(
    fc.constantFrom(...routes),
    fc.array(odd, { minLength: 3, maxLength: 3 }),
    fc.array(fc.tuple(queryName(), odd), { maxLength: 3 }),
  )
  .map(([route, values, query]) => {
    const filled = route.path.replaceAll(/\{\*?(\w+)\}/g, () =>
      encodeURIComponent(wellFormed(values.shift())),
    );
    const parameters = query.map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`);
    return `${filled}${parameters.length === 0 ? '' : '?'}${parameters.join('&')}`;
  });

function wellFormed(text = ''): string {
  const value = text.toWellFormed();
  // A path cannot hold an empty or dotted segment: clients and servers resolve it.
  return value === '' || value === '.' || value === '..' ? 'known' : value;
}

function queryName(): fc.Arbitrary<string> {
  return fc.constantFrom(
    'top',
    'after',
    'state',
    'person',
    'kind',
    'mode',
    'maxCandidates',
    'confidenceThreshold',
    'since',
    'x',
    '',
  );
}

const headers = fc.dictionary(
  fc.constantFrom(
    'content-type',
    'if-match',
    'if-none-match',
    'idempotency-key',
    'x-request-id',
    'x-ms-client-principal',
  ),
  fc.constantFrom(
    'application/json',
    'image/jpeg',
    'text/plain',
    '*',
    '"1.1"',
    'k',
    'a b',
    '',
    'x'.repeat(500),
  ),
  { maxKeys: 3 },
);

/** Levels of JSON; at six bytes a level within the 64 KB that the settings of a group may have. */
const deep = 10_000;

const body = fc.oneof(
  fc.constant(undefined),
  fc.json(),
  fc.constantFrom(
    '{}',
    '{"url":"https://127.0.0.1/"}',
    '{"url":"https://[::1]/"}',
    '{"image":"identify/known/x.jpg"}',
    '{"image":"../../etc/passwd"}',
    '{"faceIds":["x"]}',
    '{"faceId":"00000000-0000-0000-0000-000000000000"}',
    '{"__proto__":{"x":1}}',
    '{"minQuality":"none","severalFaces":"largest"}',
    '['.repeat(10_000),
    `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`,
    `{"faceIds":${'['.repeat(deep)}${']'.repeat(deep)}}`,
    'GIF89a',
  ),
  fc.constantFrom<Uint8Array>(
    portrait('audrey_crop.jpg'),
    portrait('cage2_crop.jpg').subarray(0, 3_000),
    groupPicture(1).subarray(100),
    new Uint8Array(2_000),
  ),
  fc.string({ maxLength: 50 }),
);

const generated: fc.Arbitrary<Generated> = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE'),
  path,
  headers,
  body,
});

/** How many requests were answered with 503. */
let unavailable = 0;

async function send({ method, path: target, headers: given, body: content }: Generated): Promise<void> {
  const answer = await pool.request({
    method,
    path: `/api/${target}`,
    headers: given,
    ...(content === undefined || method === 'GET' ? {} : { body: content }),
  });
  const text = await answer.body.text();
  // 503 is no failure of ours: a machine that is too busy answers so where a service did not answer in time.
  if (answer.statusCode !== 503) expect(answer.statusCode, `${method} ${target}: ${text}`).toBeLessThan(500);
  else unavailable += 1;
  const type = String(answer.headers['content-type'] ?? '');
  const headersOf = new Headers({ 'content-type': type });
  for (const name of ['x-request-id', 'etag', 'location', 'retry-after']) {
    const value = answer.headers[name];
    if (typeof value === 'string') headersOf.set(name, value);
  }
  expectDocumented(method, target, answer.statusCode, text === '' ? undefined : JSON.parse(text), headersOf);
}

/** Requests as they stand on the wire, which no client would send. */
const rawRequest = fc
  .record({
    method: fc.constantFrom(
      'GET',
      'PUT',
      'POST',
      'DELETE',
      'PATCH',
      'HEAD',
      'OPTIONS',
      'TRACE',
      'get',
      'FOO',
      '',
    ),
    target: fc.constantFrom(
      '/api/groups',
      '//api/groups',
      '/api//groups',
      '/api/groups//known',
      '/api/%zz',
      '/api/groups/%',
      '/api/groups/%c0%af',
      '/api/groups/%00',
      '/api/groups/known%2f..%2f..%2fadmin',
      '/api/../admin/functions/sweep',
      '/api/%2e%2e/admin/host/status',
      '/api/groups/..;/..;/admin',
      '/api/groups/known/persons/%e0%80%80/images/1.jpg',
      '/api/groups/known/persons/ann/images/../../../../x',
      '/api/groups?top=%zz&top=1&top=2',
      '/api/groups?%00=1&=&&',
      '/API/GROUPS',
      '/api/groups/known#fragment',
      'http://127.0.0.1/api/groups',
      'http://other.example/api/groups',
      'https://user@other.example:99999/api/groups',
      '*',
      'groups',
      '/runtime/webhooks/EventGrid',
      '/runtime/webhooks/blobs?functionName=',
      '/admin/functions/none',
      `/api/groups/${'a'.repeat(5_000)}`,
      `/api/groups/${'a'.repeat(40_000)}`,
      `/api/groups?after=${'%41'.repeat(4_000)}`,
    ),
    headers: fc.array(
      fc.constantFrom(
        'content-type: application/json',
        'content-type: image/jpeg',
        'content-type:',
        'content-type: ;;;=',
        'content-type: multipart/form-data; boundary=x',
        'content-length: 5',
        'content-length: 0',
        'content-length: -1',
        'content-length: 99999999999999999999',
        'content-length: 1e3',
        'transfer-encoding: chunked',
        'transfer-encoding: identity, chunked',
        'expect: 100-continue',
        'connection: upgrade',
        'upgrade: websocket',
        'x-request-id: a b',
        'if-match: ,,,',
        `x-long: ${'x'.repeat(30_000)}`,
        ' folded: yes',
        'no colon',
        'x: \u0000',
      ),
      { maxLength: 4 },
    ),
    body: fc.constantFrom('', '{}', 'hello', '5\r\nhello\r\n0\r\n\r\n', 'zz\r\nhello', '\u0000'),
  })
  .map(({ method, target, headers: lines, body: content }) =>
    [`${method} ${target} HTTP/1.1`, 'host: 127.0.0.1', 'connection: close', ...lines, '', content].join(
      '\r\n',
    ),
  );

/**
 * What the host itself may answer, before any function is asked: 401 where its webhooks and its administration are called
 * without a key, 429 where bodies of unknown length would take more room together than there is.
 */
const byHost = new Set([200, 202, 204, 400, 401, 404, 405, 408, 411, 412, 413, 414, 415, 417, 422, 429, 431]);

async function sendAsItStands(text: string): Promise<void> {
  const { status, body: content } = await sendRaw(stack.http, text);
  // What has no end is closed without an answer.
  if (status === undefined) return;
  if (status === 503) unavailable += 1;
  else expect(byHost, `${text.slice(0, 300)}: ${status} ${content}`).toContain(status);
  expect(content).not.toMatch(/node_modules|\.ts:\d|^\s+at \S+ \(/m);
}

/** Bytes that the Functions host holds. */
const held = (): Promise<number> => residentBytes(stack.processes['functions-host'] ?? 0);

test(
  `${requests} generated requests: none fails on our side, every answer is documented, memory stays (seed ${seed})`,
  { timeout: 600_000 },
  async () => {
    const raw = fc.sample(rawRequest, { numRuns: Math.floor(requests / oneRawIn), seed });
    const made = fc.sample(generated, { numRuns: requests - raw.length, seed });
    const all = Array.from({ length: requests }, (_, index) => {
      const request = index % oneRawIn === 0 ? raw[index / oneRawIn] : undefined;
      return request ?? made[index - Math.ceil(index / oneRawIn)];
    });
    let warm = 0;
    let next = 0;
    const sendNext = async (): Promise<void> => {
      for (let index = next++; index < all.length; index = next++) {
        if (index === warmUp) warm = await held();
        const request = all[index];
        if (request === undefined) continue;
        await (typeof request === 'string' ? sendAsItStands(request) : send(request)).catch(
          (error: unknown) => {
            throw new Error(`seed ${seed}, request ${index}: ${JSON.stringify(request).slice(0, 1_000)}`, {
              cause: error,
            });
          },
        );
      }
    };
    await Promise.all(Array.from({ length: atOnce }, sendNext));
    expect(unavailable).toBeLessThanOrEqual(requests / 100);
    // The service goes on as if nothing had been.
    await healthy(stack.http);
    expect((await held()) - warm).toBeLessThan(growthAtMost);
  },
);

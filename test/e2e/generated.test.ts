import fc from 'fast-check';
import { Pool } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { routes } from '../../shared/http/routes.ts';
import { expectDocumented } from '../helpers/documented.ts';
import { portrait } from '../helpers/pictures.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

/** `REQUESTS=100000 npx vitest run test/e2e/generated` for a longer search. */
const requests = Number(process.env['REQUESTS'] ?? 10_000);
const atOnce = 8;

let stack: TestStack;
let pool: Pool;

beforeAll(async () => {
  stack = await startTestStack();
  pool = new Pool(stack.http, { connections: atOnce });
  await stack.drop('enroll/known/ann/1.jpg', portrait('audrey_crop.jpg'));
  await stack.covered('known');
});

afterAll(async () => {
  await pool.close();
  await stack.close();
});

type Generated = { method: string; path: string; headers: Record<string, string>; body: string | undefined };

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
    'NaN',
    '{}',
    '<script>',
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
  return fc.constantFrom('top', 'after', 'state', 'person', 'kind', 'mode', 'maxCandidates', 'since', 'x');
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
    'GIF89a',
  ),
  fc.string({ maxLength: 50 }),
);

const generated: fc.Arbitrary<Generated> = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE'),
  path,
  headers,
  body,
});

async function send({ method, path: target, headers: given, body: content }: Generated): Promise<void> {
  const answer = await pool.request({
    method,
    path: `/api/${target}`,
    headers: given,
    ...(content === undefined || method === 'GET' ? {} : { body: content }),
  });
  const text = await answer.body.text();
  expect(answer.statusCode, `${method} ${target}: ${text}`).toBeLessThan(500);
  expectDocumented(method, target, answer.statusCode, text === '' ? undefined : JSON.parse(text));
}

test(
  `${requests} generated requests: none fails on our side, and every answer is documented`,
  { timeout: 600_000 },
  async () => {
    const seed = Date.now() % 1_000_000_000;
    const all = fc.sample(generated, { numRuns: requests, seed });
    let next = 0;
    const sendNext = async (): Promise<void> => {
      for (let index = next++; index < all.length; index = next++) {
        const request = all[index];
        if (request === undefined) return;
        await send(request).catch((error: unknown) => {
          throw new Error(`seed ${seed}, request ${index}: ${JSON.stringify(request)}`, { cause: error });
        });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, sendNext));
    // The service goes on as if nothing had been.
    expect((await stack.api('health')).status).toBe(200);
  },
);

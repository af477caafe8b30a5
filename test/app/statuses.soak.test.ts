import { TableClient } from '@azure/data-tables';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RollcallError } from '../../shared/errors/errors.ts';
import { appRoles, principalHeader } from '../../shared/http/access.ts';
import { largestJsonBytes } from '../../shared/http/body.ts';
import { problemOf } from '../../shared/http/problem.ts';
import { openApi } from '../../shared/http/openapi.ts';
import { routes } from '../../shared/http/routes.ts';
import { imageRoutes } from '../../shared/http/routes/images.ts';
import { serviceRoutes } from '../../shared/http/routes/service.ts';
import type { ApiRequest } from '../../shared/http/route.ts';
import { createFaceIds } from '../../shared/records/faceIds.ts';
import { createTable } from '../../shared/records/table.ts';
import { largestImageBytes, tables } from '../../shared/config/resources.ts';
import type { Rollcall } from '../../shared/app/rollcall.ts';
import { eventually } from '../helpers/eventually.ts';
import { startFaultyProxy } from '../helpers/faultyProxy.ts';
import { startHttpProxy } from '../helpers/httpProxy.ts';
import { portrait } from '../helpers/pictures.ts';
import { examplePath, guardedRoutes, principalOf } from '../helpers/principal.ts';
import { startTestStack, type GroupView, type TestStack } from '../helpers/stack.ts';
import { startTcpProxy } from '../helpers/tcpProxy.ts';

/*
 * Every status that the document names for an operation can be had. Each pair has a way to get it: a request, a fault
 * of Face, tables or blobs that a proxy makes, or, where no request can cause it, a fault within the process. Microsoft
 * Entra stands in front, so that each route asks for its role.
 */

type Answer = { status: number };
type Way = () => Promise<Answer>;

let stack: TestStack;
let face: Awaited<ReturnType<typeof startFaultyProxy>>;
let table: Awaited<ReturnType<typeof startHttpProxy>>;
let blob: Awaited<ReturnType<typeof startHttpProxy>>;
/** Before the other, for what only a network does. */
let blobNetwork: Awaited<ReturnType<typeof startTcpProxy>>;
let erasure = '';
let result = '';
let tiny: Buffer;

const admin = { [principalHeader]: principalOf(appRoles.admin) };
const json = { 'content-type': 'application/json' };
const picture = { 'content-type': 'image/jpeg' };

const call = (method: string, path: string, body?: string | Buffer, headers: Record<string, string> = {}) =>
  stack.api(path, {
    method,
    headers: { ...admin, ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
  });
const post = (path: string, body: Buffer, headers = {}) =>
  call('POST', path, body, { ...picture, ...headers });
const postJson = (path: string, body: object) => call('POST', path, JSON.stringify(body), json);

beforeAll(async () => {
  face = await startFaultyProxy();
  table = await startHttpProxy();
  blob = await startHttpProxy();
  blobNetwork = await startTcpProxy();
  blobNetwork.aimAt(blob.port);
  stack = await startTestStack({
    faceTps: 50,
    settings({ face: endpoint, storageConnectionString: storage }) {
      face.aimAt(endpoint);
      table.aimAt(/TableEndpoint=(http:\/\/[^/]+)/.exec(storage)?.[1] ?? '');
      blob.aimAt(/BlobEndpoint=(http:\/\/[^/]+)/.exec(storage)?.[1] ?? '');
      return {
        ROLLCALL_AUTH: 'entra',
        WEBSITE_AUTH_ENABLED: 'True',
        FACE_ENDPOINT: face.url,
        ROLLCALL_STORAGE: storage
          .replace(/(TableEndpoint=http:\/\/127\.0\.0\.1:)\d+/, `$1${table.port}`)
          .replace(/(BlobEndpoint=http:\/\/127\.0\.0\.1:)\d+/, `$1${blobNetwork.port}`),
      };
    },
  });
  tiny = await sharp(portrait('cage.jpg')).resize(30, 30).png().toBuffer();
  await call('PUT', 'groups/club', '{}', json);
  await call('PUT', 'groups/going', '{}', json);
  await call('PUT', 'groups/club/persons/ann/images/1.jpg', portrait('audrey_crop.jpg'), picture);
  await eventually('the group is trained', async () => {
    const { images, training } = (await call('GET', 'groups/club')).body as GroupView;
    return images['enrolled'] === 1 && training.covered;
  });
  // Two strangers, so that there is something to cluster.
  await post('groups/club/identify', portrait('queen20_crop.jpg'));
  const { body } = await post('groups/club/identify', portrait('obama4_crop.jpg'));
  result = (body as { id: string }).id;
  erasure = ((await call('DELETE', 'groups/going')).body as { id: string }).id;
  const rows = TableClient.fromConnectionString(
    stack.stack.endpoints.storageConnectionString,
    tables.faceIds,
    {
      allowInsecureConnection: true,
    },
  );
  await createFaceIds(createTable(rows), Date.now).remember('club', [
    {
      faceId: 'expired',
      faceRectangle: { left: 1, top: 1, width: 40, height: 40 },
      recognitionModel: 'recognition_04',
      detectedAt: Date.now() - 2,
      expiresAt: Date.now() - 1,
    },
  ]);
});

afterAll(async () => {
  await stack.close();
  await face.close();
  table.close();
  blob.close();
  blobNetwork.close();
});

/** A good request of each operation. */
const good: Record<string, { method: string; path: () => string; send?: Way }> = {
  health: { method: 'GET', path: () => 'health' },
  openApi: { method: 'GET', path: () => 'openapi.json' },
  problem: { method: 'GET', path: () => 'problems/no_face' },
  listGroups: { method: 'GET', path: () => 'groups' },
  putGroup: { method: 'PUT', path: () => 'groups/club' },
  getGroup: { method: 'GET', path: () => 'groups/club' },
  deleteGroup: {
    method: 'DELETE',
    path: () => 'groups/club',
    async send() {
      await call('PUT', 'groups/fleeting', '{}', json);
      return call('DELETE', 'groups/fleeting');
    },
  },
  listPersons: { method: 'GET', path: () => 'groups/club/persons' },
  getPerson: { method: 'GET', path: () => 'groups/club/persons/ann' },
  deletePerson: {
    method: 'DELETE',
    path: () => 'groups/club/persons/ann',
    async send() {
      await call('PUT', 'groups/club/persons/bob/images/1.jpg', portrait('cage.jpg'), picture);
      await eventually(
        'bob is known',
        async () => (await call('GET', 'groups/club/persons/bob')).status === 200,
      );
      return call('DELETE', 'groups/club/persons/bob');
    },
  },
  getErasure: { method: 'GET', path: () => `erasures/${erasure}` },
  train: { method: 'POST', path: () => 'groups/club/train' },
  listImages: { method: 'GET', path: () => 'groups/club/images' },
  listAllImages: { method: 'GET', path: () => 'images' },
  putImage: {
    method: 'PUT',
    path: () => 'groups/club/persons/carl/images/1.jpg',
    send: () => call('PUT', 'groups/club/persons/carl/images/1.jpg', portrait('cage.jpg'), picture),
  },
  deleteImage: { method: 'DELETE', path: () => 'groups/club/persons/carl/images/1.jpg' },
  redrive: { method: 'POST', path: () => 'failures/redrive' },
  identify: asked('identify'),
  findSimilar: asked('find-similar'),
  verify: asked('verify?person=ann'),
  cluster: { method: 'POST', path: () => 'groups/club/cluster' },
  listResults: { method: 'GET', path: () => 'groups/club/results' },
  getResult: { method: 'GET', path: () => `groups/club/results/${result}` },
};

function asked(what: string) {
  return {
    method: 'POST',
    path: () => `groups/club/${what}`,
    send: () => post(`groups/club/${what}`, portrait('queen20_crop.jpg')),
  };
}

function sendGood(operation: string): Promise<Answer> {
  const { method, path, send } = good[operation] ?? { method: 'GET', path: () => 'none' };
  return send?.() ?? call(method, path());
}

/** While tables, or blobs where no table is asked, answer so: 503, or what nobody foresaw. */
async function withBrokenStorage(operation: string, status: 503 | 418): Promise<Answer> {
  const { method, path } = good[operation] ?? { method: 'GET', path: () => 'none' };
  const broken = operation === 'putImage' ? blob : table;
  const body = takesPicture.includes(operation) ? portrait('cage.jpg') : undefined;
  broken.answerWith(status);
  try {
    return await call(method, path(), body, body === undefined ? {} : picture);
  } finally {
    broken.answerWith(undefined);
  }
}

const takesPicture = ['identify', 'findSimilar', 'verify', 'putImage'];

/** Face answers the next call of this path so. */
async function withFace(
  path: RegExp,
  status: number,
  way: Way,
  headers: Record<string, string> = {},
): Promise<Answer> {
  face.break('POST', path, { kind: 'answered', status, headers });
  return way();
}

let dark: Promise<Map<string, Answer>> | undefined;

/** What needs blobs, all at once while they do not answer: each is given up after three tries of five seconds. */
function inTheDark(): Promise<Map<string, Answer>> {
  dark ??= (async () => {
    const operations = ['health', 'deleteGroup', 'deletePerson', 'putImage', 'deleteImage'];
    blobNetwork.change('black hole');
    try {
      const answers = await Promise.all(
        operations.map((operation) => {
          const { method, path } = good[operation] ?? { method: 'GET', path: () => 'none' };
          if (operation === 'health') return downHealth();
          return operation === 'putImage'
            ? call(method, path(), portrait('cage.jpg'), picture)
            : call(method, path());
        }),
      );
      return new Map(operations.map((operation, index) => [operation, answers[index] ?? { status: 0 }]));
    } finally {
      blobNetwork.change('fair');
    }
  })();
  return dark;
}

/** What was found a moment ago is told again. */
function downHealth(): Promise<Answer> {
  return eventually('a part is down', async () => {
    const answer = await call('GET', 'health');
    return answer.status === 503 ? answer : undefined;
  });
}

async function withoutBlobs(operation: string): Promise<Answer> {
  return (await inTheDark()).get(operation) ?? { status: 0 };
}

let refused: Promise<Answer> | undefined;

/** Once Face has said that it takes no call for minutes, callers are told when to come back. */
async function whenBusy(way: Way): Promise<Answer> {
  refused ??= withFace(/\/detect/, 429, () => post('groups/club/identify', portrait('cage.jpg')), {
    'retry-after': '300',
  });
  await refused;
  return way();
}

async function inProcess(handle: () => Promise<unknown>): Promise<Answer> {
  try {
    await handle();
    return { status: 200 };
  } catch (error) {
    return problemOf(error);
  }
}

const defect = new Error('a defect');
const brokenRequest = {
  get params(): never {
    throw defect;
  },
} as unknown as ApiRequest;
const brokenRollcall = {
  health: () => Promise.reject(defect),
  redrive: () => Promise.reject(defect),
} as unknown as Rollcall;
const brokenRoutes = [
  ...serviceRoutes(() => {
    throw defect;
  }),
  ...imageRoutes,
];
const handleBroken = (name: string) =>
  inProcess(async () => {
    await brokenRoutes.find((route) => route.name === name)?.handle(brokenRequest, brokenRollcall);
  });

const badGroup =
  (method: string, rest = '') =>
  () =>
    call(method, `groups/A%20B${rest}`);
const noGroup =
  (method: string, rest = '') =>
  () =>
    call(method, `groups/unknown${rest}`);
const stale = { 'if-match': '"stale"' };

/** What the pictures and faces that are asked about can be wrong with. */
function waysOfAsking(what: string): Record<number, Way> {
  const path = `groups/club/${what}`;
  const faceId = (id: string) => (what === 'identify' ? { faceIds: [id] } : { faceId: id });
  const ask = () => post(path, portrait('cage.jpg'));
  return {
    400: () => call('POST', path, '{', json),
    404: () => postJson(path, faceId('unknown')),
    // Repeated under its key while it is being answered.
    async 409() {
      const key = { 'idempotency-key': `twice-${what}` };
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => post(path, portrait('franck_01829.jpg'), key)),
      );
      return answers.find(({ status }) => status === 409) ?? { status: 200 };
    },
    410: () => postJson(path, faceId('expired')),
    413: () => call('POST', path, 'x'.repeat(largestJsonBytes + 1), json),
    415: () => call('POST', path, 'text', { 'content-type': 'text/plain' }),
    422: () => post(path, tiny),
    429: () => whenBusy(ask),
    502: () => withFace(/\/detect/, 401, ask),
    503: () => withFace(/\/detect/, 500, ask),
  };
}

const cluster = () => call('POST', 'groups/club/cluster');

/** Besides a good request, one without a principal or a role, and storage that fails. */
const ways: Record<string, Record<number, Way>> = {
  health: { 500: () => handleBroken('health'), 503: () => withoutBlobs('health') },
  openApi: { 500: () => handleBroken('openApi') },
  problem: { 400: () => call('GET', 'problems/none'), 500: () => handleBroken('problem') },
  listGroups: { 400: () => call('GET', 'groups?top=0') },
  putGroup: {
    415: () => call('PUT', 'groups/club', '{}', { ...json, 'content-encoding': 'gzip' }),
    400: badGroup('PUT'),
    409: () => call('PUT', 'groups/club', '{"recognitionModel":"recognition_01"}', json),
    413: () => call('PUT', 'groups/club', ' '.repeat(65_537), json),
    412: () => call('PUT', 'groups/club', '{}', { ...json, ...stale }),
  },
  getGroup: { 400: badGroup('GET'), 404: noGroup('GET') },
  deleteGroup: {
    400: badGroup('DELETE'),
    404: noGroup('DELETE'),
    412: () => call('DELETE', 'groups/club', undefined, stale),
    503: () => withoutBlobs('deleteGroup'),
  },
  listPersons: { 400: badGroup('GET', '/persons'), 404: noGroup('GET', '/persons') },
  getPerson: { 400: badGroup('GET', '/persons/a'), 404: () => call('GET', 'groups/club/persons/nobody') },
  deletePerson: {
    400: badGroup('DELETE', '/persons/a'),
    404: () => call('DELETE', 'groups/club/persons/nobody'),
    503: () => withoutBlobs('deletePerson'),
  },
  getErasure: { 404: () => call('GET', 'erasures/none') },
  train: { 400: badGroup('POST', '/train'), 404: noGroup('POST', '/train') },
  listImages: { 400: badGroup('GET', '/images'), 404: noGroup('GET', '/images') },
  listAllImages: { 400: () => call('GET', 'images?state=lost') },
  putImage: {
    400: badGroup('PUT', '/persons/a/images/1.jpg'),
    async 413() {
      const huge = Buffer.alloc(largestImageBytes + 1);
      const answer = await call('PUT', 'groups/club/persons/a/images/1.jpg', huge, picture);
      expect(answer.body).toMatchObject({ code: 'image_too_large' });
      return answer;
    },
    415: () => call('PUT', 'groups/club/persons/a/images/1.jpg', '{}', json),
    503: () => withoutBlobs('putImage'),
  },
  deleteImage: {
    400: badGroup('DELETE', '/persons/a/images/1.jpg'),
    404: () => call('DELETE', 'groups/club/persons/a/images/never.jpg'),
    503: () => withoutBlobs('deleteImage'),
  },
  // While tables fail, dead letters come faster than a redrive can take them: it would take its whole time.
  redrive: {
    500: () => handleBroken('redrive'),
    503: () =>
      inProcess(async () => {
        const redrive = () => Promise.reject(new RollcallError('storage_unavailable'));
        const request = { query: {} } as unknown as ApiRequest;
        const route = imageRoutes.find(({ name }) => name === 'redrive');
        await route?.handle(request, { redrive } as unknown as Rollcall);
      }),
  },
  identify: waysOfAsking('identify'),
  findSimilar: waysOfAsking('find-similar'),
  verify: waysOfAsking('verify?person=ann'),
  cluster: {
    400: badGroup('POST', '/cluster'),
    404: noGroup('POST', '/cluster'),
    429: () => whenBusy(cluster),
    502: () => withFace(/\/group$/, 401, cluster),
    503: () => withFace(/\/group$/, 500, cluster),
  },
  listResults: { 400: badGroup('GET', '/results'), 404: noGroup('GET', '/results') },
  getResult: { 400: badGroup('GET', '/results/r1'), 404: () => call('GET', 'groups/club/results/r1') },
};

function wayTo(operation: string, status: number): Way | undefined {
  const own = ways[operation]?.[status];
  if (own !== undefined) return own;
  const route = routes.find(({ name }) => name === operation);
  const { method, path } = good[operation] ?? { method: 'GET', path: () => 'none' };
  if (status === route?.answer.status) return () => sendGood(operation);
  if (status === 401) return () => stack.api(path(), { method });
  if (status === 403)
    return () => stack.api(path(), { method, headers: { [principalHeader]: principalOf() } });
  // A parameter that is in no document.
  if (status === 400) return () => call(method, `${path()}?typo=1`);
  if (status === 503) return () => withBrokenStorage(operation, 503);
  return status === 500 ? () => withBrokenStorage(operation, 418) : undefined;
}

const document = openApi(routes) as {
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
};
const pairs = Object.values(document.paths)
  .flatMap((path) => Object.values(path))
  .flatMap(({ operationId, responses }) =>
    Object.keys(responses).map((status): [string, number] => [operationId, Number(status)]),
  )
  // Once Face takes no calls, it stays so.
  .toSorted(([, a], [, b]) => Number(a === 429) - Number(b === 429));

test.each(guardedRoutes)('$method $path asks for its role', async ({ method, path: template, access }) => {
  const code = async (headers: Record<string, string>): Promise<unknown> => {
    const { body } = await stack.api(examplePath(template), { method, headers });
    return (body as { code?: string } | undefined)?.code;
  };
  expect(await code({})).toBe('not_authenticated');
  expect(await code({ [principalHeader]: 'no base64 of JSON' })).toBe('not_authenticated');
  expect(await code({ [principalHeader]: principalOf() })).toBe('not_allowed');
  expect(await code({ [principalHeader]: principalOf('Somebody.Else') })).toBe('not_allowed');
  for (const [kind, role] of Object.entries(appRoles)) {
    const answered = await code({ [principalHeader]: principalOf(role) });
    if (kind === access || access === 'any' || kind === 'admin')
      expect(['not_authenticated', 'not_allowed']).not.toContain(answered);
    else expect(answered).toBe('not_allowed');
  }
});

test.each(pairs)('%s answers %i', async (operation, status) => {
  const way = wayTo(operation, status);
  if (way === undefined) throw new Error(`nobody knows how to get ${status} from ${operation}`);
  expect((await way()).status).toBe(status);
});

test('no way leads to a status that is not documented', () => {
  const known = Object.entries(ways).flatMap(([operation, of]) =>
    Object.keys(of).map((status) => `${operation} ${status}`),
  );
  const documented = new Set(pairs.map(([operation, status]) => `${operation} ${status}`));
  expect(known.filter((pair) => !documented.has(pair))).toEqual([]);
});

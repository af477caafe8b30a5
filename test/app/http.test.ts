import { beforeAll, expect, test } from 'vitest';
import { failures, type FailureCode } from '../../shared/errors/errors.ts';
import { eventually } from '../helpers/eventually.ts';
import { franck, groupPicture, portrait } from '../helpers/pictures.ts';
import { useSharedStack } from '../helpers/stack.ts';

const stack = useSharedStack();

beforeAll(async () => {
  await stack.api('groups/empty', {
    method: 'PUT',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  });
});

const json = { 'content-type': 'application/json' };
const picture = { 'content-type': 'image/jpeg' };

type Case = [what: string, path: string, init: RequestInit, code: FailureCode, detail?: RegExp];

const cases: Case[] = [
  ['an unknown route', 'nothing/here', {}, 'route_not_found'],
  ['a wrong method', 'groups', { method: 'DELETE' }, 'method_not_allowed', /GET, HEAD, OPTIONS/],
  ['no route at all', '', {}, 'route_not_found'],
  ['deleting an unknown group', 'groups/unknown', { method: 'DELETE' }, 'group_not_found'],
  ['deleting an unknown person', 'groups/empty/persons/nobody', { method: 'DELETE' }, 'person_not_found'],
  [
    'deleting an unknown picture',
    'groups/empty/persons/nobody/images/1.jpg',
    { method: 'DELETE' },
    'image_not_found',
  ],
  ['an unknown deletion', 'erasures/none', {}, 'erasure_not_found'],
  [
    'a picture at a bad path',
    'groups/empty/persons/ann/images/a%01b.jpg',
    { method: 'PUT', headers: picture, body: 'x' },
    'bad_path',
  ],
  ...['PUT', 'DELETE'].map((method): Case => [
    `${method} of a picture of a person with a backslash`,
    'groups/empty/persons/Nicolas%5Cx/images/z.jpg',
    method === 'PUT' ? { method, headers: picture, body: 'x' } : { method },
    'bad_path',
    /backslash/,
  ]),
  ...['GET', 'DELETE'].map((method): Case => [
    `${method} of a person with a backslash`,
    'groups/empty/persons/Nicolas%5Cx',
    { method },
    'bad_path',
    /backslash/,
  ]),
  [
    'a picture with a backslash',
    'groups/empty/persons/ann/images/a%5Cb.jpg',
    { method: 'PUT', headers: picture, body: 'x' },
    'bad_path',
    /backslash/,
  ],
  [
    'a picture whose path has an empty segment',
    'groups/empty/persons/ann/images/a%2F%2Fb.jpg',
    { method: 'PUT', headers: picture, body: 'x' },
    'bad_path',
    /empty segment/,
  ],
  ['pictures of a person with a backslash', 'groups/empty/images?person=a%5Cb', {}, 'bad_path'],
  ['results of a person with a backslash', 'groups/empty/results?person=a%5Cb', {}, 'bad_path'],
  [
    'a dropped picture with a backslash',
    'groups/empty/identify',
    { method: 'POST', headers: json, body: String.raw`{"image":"identify/empty/a\\b.jpg"}` },
    'bad_path',
    /backslash/,
  ],
  [
    'a blob of another container',
    'groups/empty/identify',
    { method: 'POST', headers: json, body: '{"image":"other/empty/ann/1.jpg"}' },
    'bad_path',
    /enroll/,
  ],
  [
    'a picture of no bytes',
    'groups/empty/persons/ann/images/1.jpg',
    { method: 'PUT', headers: picture },
    'bad_request',
    /body/,
  ],
  [
    'a picture that is text',
    'groups/empty/persons/ann/images/1.jpg',
    { method: 'PUT', headers: json, body: '{}' },
    'unsupported_media_type',
  ],
  ['clusters of an unknown group', 'groups/unknown/cluster', { method: 'POST' }, 'group_not_found'],
  ['a group name that cannot be', 'groups/A%20B', {}, 'bad_request', /group: 1 to 48/],
  ['an unknown group', 'groups/unknown', {}, 'group_not_found'],
  ['persons of an unknown group', 'groups/unknown/persons', {}, 'group_not_found'],
  ['pictures of an unknown group', 'groups/unknown/images', {}, 'group_not_found'],
  ['results of an unknown group', 'groups/unknown/results', {}, 'group_not_found'],
  ['training an unknown group', 'groups/unknown/train', { method: 'POST' }, 'group_not_found'],
  ['an unknown person', 'groups/empty/persons/nobody', {}, 'person_not_found'],
  ['an unknown result', 'groups/empty/results/r1', {}, 'result_not_found'],
  ['a page of none', 'groups?top=0', {}, 'bad_request', /top/],
  ['a page of too many', 'groups/empty/images?top=1001', {}, 'bad_request', /top/],
  ['an unknown state', 'groups/empty/images?state=lost', {}, 'bad_request', /state/],
  ['a blank page', 'groups?top=', {}, 'bad_request', /top: a value/],
  ['a parameter that is none', 'groups?kind=identify', {}, 'bad_request', /kind: no such parameter/],
  ['a parameter where there is none', 'groups/empty?x=1', {}, 'bad_request', /x: no such parameter/],
  [
    'a blank threshold, which would accept anybody',
    'groups/empty/identify?confidenceThreshold=',
    { method: 'POST', headers: picture, body: 'x' },
    'bad_request',
    /confidenceThreshold: a value/,
  ],
  [
    'a blank beginning of time',
    'groups/empty/find-similar?since=%20',
    { method: 'POST', headers: picture, body: 'x' },
    'bad_request',
    /since: a value/,
  ],
  [
    'a setting that is none',
    'groups/empty',
    { method: 'PUT', headers: json, body: '{"colour":"red"}' },
    'bad_request',
    /colour/,
  ],
  [
    'a threshold out of range',
    'groups/empty',
    { method: 'PUT', headers: json, body: '{"identifyThreshold":2}' },
    'bad_request',
    /identifyThreshold/,
  ],
  [
    'a body that is no JSON',
    'groups/empty',
    { method: 'PUT', headers: json, body: '{' },
    'bad_request',
    /JSON/,
  ],
  [
    'another model',
    'groups/empty',
    { method: 'PUT', headers: json, body: '{"recognitionModel":"recognition_01"}' },
    'recognition_model_fixed',
  ],
  [
    'a body of no type that is no picture',
    'groups/empty/identify',
    { method: 'POST', body: new Uint8Array(2_000) },
    'not_an_image',
  ],
  [
    'a form',
    'groups/empty/identify',
    { method: 'POST', body: new URLSearchParams('a=b') },
    'unsupported_media_type',
  ],
  ['no picture', 'groups/empty/identify', { method: 'POST', headers: picture }, 'bad_request', /body/],
  [
    'text as a picture',
    'groups/empty/identify',
    { method: 'POST', headers: picture, body: 'x'.repeat(2_000) },
    'not_an_image',
  ],
  ['an empty object', 'groups/empty/identify', { method: 'POST', headers: json, body: '{}' }, 'bad_request'],
  [
    'too many candidates',
    'groups/empty/identify?maxCandidates=101',
    { method: 'POST', headers: picture, body: 'x' },
    'bad_request',
    /maxCandidates/,
  ],
  [
    'a picture that was never dropped',
    'groups/empty/identify',
    { method: 'POST', headers: json, body: '{"image":"identify/empty/no.jpg"}' },
    'image_not_found',
  ],
  [
    'a picture of another group',
    'groups/empty/identify',
    { method: 'POST', headers: json, body: '{"image":"identify/other/no.jpg"}' },
    'image_not_found',
  ],
  [
    'an unknown face ID',
    'groups/empty/identify',
    { method: 'POST', headers: json, body: '{"faceIds":["nope"]}' },
    'face_id_not_found',
  ],
  [
    'a URL that is not https',
    'groups/empty/identify',
    { method: 'POST', headers: json, body: '{"url":"http://example.com/a.jpg"}' },
    'bad_request',
    /url/,
  ],
  [
    'a URL of this machine',
    'groups/empty/identify',
    { method: 'POST', headers: json, body: '{"url":"https://127.0.0.1/a.jpg"}' },
    'url_refused',
  ],
  [
    'a URL of the instance metadata',
    'groups/empty/identify',
    { method: 'POST', headers: json, body: '{"url":"https://169.254.169.254/metadata"}' },
    'url_refused',
  ],
  [
    'verify without a person',
    'groups/empty/verify',
    { method: 'POST', headers: picture, body: 'x' },
    'bad_request',
    /person/,
  ],
  [
    'verify of an unknown person',
    'groups/empty/verify?person=nobody',
    { method: 'POST', headers: picture, body: 'x' },
    'person_not_found',
  ],
  [
    'a mode that is none',
    'groups/empty/find-similar?mode=best',
    { method: 'POST', headers: picture, body: 'x' },
    'bad_request',
    /mode/,
  ],
];

test.each(cases)('%s', async (_what, path, init, code, detail) => {
  const { status, headers, body } = await stack.api(path, init);
  expect(body).toMatchObject({ code, status: failures[code].status });
  expect(status).toBe(failures[code].status);
  expect(headers.get('content-type')).toContain('application/problem+json');
  if (detail !== undefined) expect((body as { detail?: string }).detail).toMatch(detail);
});

test('a group that was never trained says so', async () => {
  const { body } = await stack.postPicture('groups/empty/identify', portrait('cage.jpg'));
  expect(body).toMatchObject({ trained: false, faces: [{ candidates: [] }] });
});

test('a refused picture is looked at again when it is put once more, or when its group admits it', async () => {
  const put = (image: string) =>
    stack.api(`groups/remedy/persons/crowd/images/${image}`, {
      method: 'PUT',
      headers: { 'content-type': 'image/jpeg' },
      body: new Uint8Array(groupPicture(1)),
    });
  const setSeveralFaces = (severalFaces: string) =>
    stack.api('groups/remedy', { method: 'PUT', headers: json, body: JSON.stringify({ severalFaces }) });
  for (const image of ['1.jpg', '2.jpg']) {
    expect((await put(image)).status).toBe(202);
    const refused = await stack.settled(`enroll/remedy/crowd/${image}`, 'rejected');
    expect(refused).toMatchObject({ reason: 'several_faces' });
  }
  const { body } = await setSeveralFaces('largest');
  expect(body).toMatchObject({ lookingAgain: { pictures: 2, calls: 4 } });
  expect((await put('1.jpg')).status).toBe(202);
  const enrolled = await stack.settled('enroll/remedy/crowd/1.jpg', 'enrolled');
  await stack.settled('enroll/remedy/crowd/2.jpg', 'enrolled');
  expect((await put('1.jpg')).status).toBe(202);
  expect(await stack.image('enroll/remedy/crowd/1.jpg')).toEqual(enrolled);
});

test('groups are created, changed and listed, page by page', async () => {
  for (const name of ['list-a', 'list-b', 'list-c']) {
    const { status } = await stack.api(`groups/${name}`, {
      method: 'PUT',
      headers: json,
      body: '{"minQuality":"medium"}',
    });
    expect(status).toBe(200);
  }
  await stack.api('groups/list-b', { method: 'PUT', headers: json, body: '{"identifyThreshold":0.7}' });
  const all: { group: string }[] = [];
  for (let after = ''; ;) {
    const page = await stack.get<{ items: { group: string }[]; next?: string }>(`groups?top=2${after}`);
    expect(page.items.length).toBeLessThanOrEqual(2);
    all.push(...page.items);
    if (page.next === undefined) break;
    after = `&after=${page.next}`;
  }
  // Other files have groups of their own on this stack.
  const listed = all.filter(({ group }) => group.startsWith('list-'));
  expect(listed.map(({ group }) => group)).toEqual(['list-a', 'list-b', 'list-c']);
  expect(listed[1]).toEqual({
    group: 'list-b',
    recognitionModel: 'recognition_04',
    minQuality: 'medium',
    identifyThreshold: 0.7,
  });
});

test('HEAD tells what GET does, without its body', async () => {
  for (const path of ['health', 'groups', 'openapi.json', 'groups/unknown']) {
    const [get, head] = await Promise.all([
      fetch(`${stack.http}/api/${path}`),
      fetch(`${stack.http}/api/${path}`, { method: 'HEAD' }),
    ]);
    expect(head.status).toBe(get.status);
    expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'));
    expect(await head.text()).toBe('');
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(0);
  }
});

test('OPTIONS and 405 name the methods of a path', async () => {
  for (const [method, status] of [
    ['OPTIONS', 204],
    ['PATCH', 405],
    ['POST', 405],
  ] as const) {
    const answer = await fetch(`${stack.http}/api/groups/empty/`, { method });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('allow')).toBe('PUT, GET, HEAD, DELETE, OPTIONS');
  }
});

test('what is outside of the API is unknown as well, with a code', async () => {
  for (const path of ['/', '/api', '/api/', '/favicon.ico', '/api/nothing']) {
    const answer = await fetch(`${stack.http}${path}`);
    expect(answer.status, path).toBe(404);
    expect(await answer.json()).toMatchObject({ code: 'route_not_found' });
  }
});

test('a form and a body of no type are dropped as the pictures that they hold', async () => {
  const bytes = new Uint8Array(portrait('audrey_crop.jpg'));
  const form = new FormData();
  form.set('file', new Blob([bytes], { type: 'image/jpeg' }), 'a.jpg');
  const bodies = { form, untyped: bytes };
  for (const [name, body] of Object.entries(bodies)) {
    const path = `groups/bodies/persons/${name}/images/1.jpg`;
    expect(await stack.api(path, { method: 'PUT', body })).toMatchObject({ status: 202 });
    await stack.settled(`enroll/bodies/${name}/1.jpg`, 'enrolled');
  }
});

test('the document describes every route that answers', async () => {
  const document = await stack.get<{ openapi: string; paths: Record<string, object> }>('openapi.json');
  expect(document.openapi).toBe('3.1.0');
  expect(Object.keys(document.paths)).toContain('/api/groups/{group}/identify');
  expect(Object.keys(document.paths['/api/groups/{group}'] ?? {})).toEqual(['put', 'get', 'delete']);
});

test('a group changes only in the version that the caller knows', async () => {
  const put = (body: string, headers: Record<string, string>) =>
    stack.api('groups/versioned', { method: 'PUT', body, headers: { ...json, ...headers } });
  const created = await put('{}', { 'if-none-match': '*' });
  const first = created.headers.get('etag') ?? '';
  expect(created.status).toBe(200);
  expect(first).toMatch(/^"/);
  expect(await put('{}', { 'if-none-match': '*' })).toMatchObject({
    status: 412,
    body: { code: 'precondition_failed' },
  });
  const changed = await put('{"minQuality":"low"}', { 'if-match': first });
  expect(changed.status).toBe(200);
  const second = changed.headers.get('etag') ?? '';
  expect(second).not.toBe(first);
  expect(await put('{"minQuality":"high"}', { 'if-match': first })).toMatchObject({ status: 412 });
  expect((await stack.api('groups/versioned')).headers.get('etag')).toBe(second);
  const remove = (etag: string) =>
    stack.api('groups/versioned', { method: 'DELETE', headers: { 'if-match': etag } });
  expect(await remove(first)).toMatchObject({ status: 412 });
  expect(await remove(second)).toMatchObject({ status: 202 });
  // The next life of the group is not the version that somebody may remember.
  expect((await put('{}', {})).headers.get('etag')).not.toBe(first);
});

test('a request that is repeated under its key gets the same result', async () => {
  const ask = (key: string, bytes: Uint8Array, path = 'groups/desk/identify') =>
    stack.api(path, {
      method: 'POST',
      headers: { ...picture, 'idempotency-key': key },
      body: new Uint8Array(bytes),
    });
  const [one, other] = [portrait('audrey_crop.jpg'), portrait('queen20_crop.jpg')];
  await stack.api('groups/desk', { method: 'PUT', headers: json, body: '{}' });
  const first = await ask('order-66', one);
  expect(first.status).toBe(200);
  const again = await ask('order-66', one);
  expect(again).toMatchObject({ status: 200, body: first.body as object });
  expect(await ask('order-66', other)).toMatchObject({ status: 422, body: { code: 'key_reused' } });
  const similar = await ask('order-66', one, 'groups/desk/find-similar');
  expect(similar).toMatchObject({ status: 200, body: { kind: 'find-similar' } });
  expect(await ask('', one)).toMatchObject({ status: 400, body: { code: 'bad_request' } });
  const atOnce = await Promise.all(Array.from({ length: 4 }, () => ask('order-67', other)));
  const ids = atOnce.flatMap(({ status, body }) => (status === 200 ? (body as { id: string }).id : []));
  expect(new Set(ids).size).toBe(1);
  for (const { status, body, headers } of atOnce.filter((answer) => answer.status !== 200)) {
    expect({ status, body }).toMatchObject({ status: 409, body: { code: 'in_progress' } });
    expect(headers.get('retry-after')).toBe('1');
  }
});

test('an error points to its explanation, and a request keeps its name', async () => {
  const { headers, body } = await stack.api('groups/unknown', { headers: { 'x-request-id': 'abc-1' } });
  expect(headers.get('x-request-id')).toBe('abc-1');
  const { type } = body as { type: string };
  expect(await stack.get(type.replace('/api/', ''))).toMatchObject({ code: 'group_not_found', status: 404 });
  const { headers: unnamed } = await stack.api('groups', { headers: { 'x-request-id': 'a b' } });
  expect(unnamed.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

test('a picture is dropped, dropped again and deleted over HTTP, whatever its name is', async () => {
  const path = `groups/people/persons/${encodeURIComponent('Åsa 100%? #1')}/images/holiday/${encodeURIComponent('ä +&=1.jpg')}`;
  const put = { method: 'PUT', headers: picture, body: new Uint8Array(portrait('audrey_crop.jpg')) };
  const image = 'enroll/people/Åsa 100%? #1/holiday/ä +&=1.jpg';
  expect(await stack.api(path, put)).toMatchObject({ status: 202, body: { image } });
  const enrolled = await stack.settled(image, 'enrolled');
  // The same bytes again change nothing.
  expect(await stack.api(path, put)).toMatchObject({ status: 202, body: { image } });
  expect((await stack.settled(image, 'enrolled')).persistedFaceId).toBe(enrolled.persistedFaceId);
  expect(await stack.api(path, { method: 'DELETE' })).toMatchObject({ status: 202, body: { image } });
  expect((await stack.image(image))?.state).toBe('removed');
  expect(await stack.api(path, { method: 'DELETE' })).toMatchObject({ status: 202 });
});

test('a stranger who was seen often is one cluster of unknown faces', async () => {
  await stack.drop('enroll/lobby/audrey/1.jpg', portrait('audrey_crop.jpg'));
  await stack.covered('lobby');
  expect(await stack.api('groups/lobby/cluster', { method: 'POST' })).toMatchObject({
    status: 200,
    body: { group: 'lobby', searched: 0, truncated: false, clusters: [], others: [] },
  });
  for (const file of franck.slice(0, 4)) {
    await stack.drop(`identify/lobby/${file}`, portrait(file));
    await stack.settled(`identify/lobby/${file}`, 'identified');
  }
  await stack.postPicture('groups/lobby/identify', portrait('audrey_crop.jpg'));
  await stack.postPicture('groups/lobby/identify', portrait('queen20_crop.jpg'));
  const { status, body } = await stack.api('groups/lobby/cluster', { method: 'POST' });
  expect(status).toBe(200);
  const { clusters, others, searched } = body as {
    searched: number;
    clusters: { faces: { image?: string }[] }[];
    others: object[];
  };
  expect(searched).toBe(5);
  expect(clusters).toHaveLength(1);
  expect(new Set(clusters[0]?.faces.map(({ image }) => image))).toEqual(
    new Set(franck.slice(0, 4).map((file) => `identify/lobby/${file}`)),
  );
  expect(others).toHaveLength(1);
});

test('what belongs to another group is not there, and a parameter that is none does nothing', async () => {
  for (const name of ['ours', 'theirs'])
    await stack.api(`groups/${name}`, { method: 'PUT', headers: json, body: '{}' });
  await stack.drop('identify/theirs/secret.jpg', portrait('queen20_crop.jpg'));
  await stack.settled('identify/theirs/secret.jpg', 'identified');
  const { items } = await stack.get<{ items: { id: string; faces: { faceId: string }[] }[] }>(
    'groups/theirs/results?kind=identify',
  );
  const [{ id, faces } = { id: '', faces: [] }] = items;
  const faceId = faces[0]?.faceId ?? '';
  expect(await stack.postJson('groups/theirs/find-similar', { faceId })).toMatchObject({ status: 200 });
  for (const body of [{ faceId }, { image: 'identify/theirs/secret.jpg' }]) {
    for (const what of ['find-similar', 'verify?person=ann']) {
      const { status } = await stack.postJson(`groups/ours/${what}`, body);
      expect(status).toBe(404);
    }
  }
  expect(await stack.postJson('groups/ours/identify', { faceIds: [faceId] })).toMatchObject({
    body: { code: 'face_id_not_found' },
  });
  expect(await stack.postJson('groups/ours/identify', { image: 'identify/theirs/secret.jpg' })).toMatchObject(
    {
      body: { code: 'image_not_found' },
    },
  );
  expect(await stack.api(`groups/theirs/results/${id}`)).toMatchObject({ status: 200 });
  expect(await stack.api(`groups/ours/results/${id}`)).toMatchObject({ body: { code: 'result_not_found' } });
});

test('persons and pictures come page by page, each once', async () => {
  const put = { method: 'PUT', headers: picture, body: new Uint8Array(portrait('scream_crop.jpg')) };
  const names = ['a', 'b', 'c', 'd', 'e'];
  for (const name of names) await stack.api(`groups/paged/persons/${name}/images/1.jpg`, put);
  for (const name of names) await stack.settled(`enroll/paged/${name}/1.jpg`, 'rejected');
  async function all<Item>(path: string, top: number): Promise<Item[]> {
    const items: Item[] = [];
    for (let after = ''; ;) {
      const page = await stack.get<{ items: Item[]; next?: string }>(`${path}?top=${top}${after}`);
      expect(page.items.length).toBeLessThanOrEqual(top);
      items.push(...page.items);
      if (page.next === undefined) return items;
      after = `&after=${encodeURIComponent(page.next)}`;
    }
  }
  for (const top of [1, 2, 5, 1_000]) {
    const persons = await all<{ person: string }>('groups/paged/persons', top);
    expect(persons.map(({ person }) => person).toSorted()).toEqual(names);
    const images = await all<{ image: string }>('groups/paged/images', top);
    expect(images.map(({ image }) => image).toSorted()).toEqual(
      names.map((name) => `enroll/paged/${name}/1.jpg`),
    );
  }
  const strange = await stack.api('groups/paged/images?after=%00');
  expect(strange).toMatchObject({ status: 400, body: { code: 'bad_request' } });
});

test('health says that every part answers', async () => {
  const { body } = await eventually('it is told so', async () => {
    const answer = await stack.api('health');
    return answer.status === 200 && answer;
  });
  expect(body).toEqual({
    status: 'ok',
    parts: {
      blobs: { status: 'ok' },
      tables: { status: 'ok' },
      serviceBus: { status: 'ok' },
      face: { status: 'ok' },
    },
  });
});

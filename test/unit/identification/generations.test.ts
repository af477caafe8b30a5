import { beforeEach, expect, test } from 'vitest';
import type { DetectedFace } from '../../../shared/face/types.ts';
import { personKeyOf } from '../../../shared/records/keys.ts';
import { inMemory, type InMemory } from '../../helpers/inMemory.ts';
import { portrait } from '../../helpers/pictures.ts';

const faceRectangle = { left: 9, top: 9, width: 99, height: 99 };
const bytes = portrait('audrey_crop.jpg');
const json = { 'content-type': 'application/json' };
const jpeg = { 'content-type': 'image/jpeg' };

let app: InMemory;
/** What Face sees on the next picture. */
let onPicture: DetectedFace[];
/** Which faces Face was asked to compare with which. */
let compared: { faceId: string; among: readonly string[] }[];

beforeEach(async () => {
  compared = [];
  onPicture = [];
  app = inMemory({
    face: {
      detect: async () => onPicture,
      findSimilar: async (faceId, among, { maxCandidates }) => {
        compared.push({ faceId, among });
        return among.slice(0, maxCandidates).map((other) => ({ faceId: other, confidence: 0.9 }));
      },
    },
  });
  await create();
});

const create = () => app.call('PUT', 'groups/club', { body: '{}' });
const see = (...faceIds: string[]) => {
  onPicture = faceIds.map((faceId) => ({
    faceId,
    faceRectangle,
    faceAttributes: { qualityForRecognition: 'high' },
  }));
};
const ask = (body: object, operation = 'identify') =>
  app.call('POST', `groups/club/${operation}`, { headers: json, body: JSON.stringify(body) });

async function drop(image: string, ...faceIds: string[]): Promise<void> {
  see(...faceIds);
  app.blobs.set(image, { bytes, writtenAt: app.clock.now });
  await app.rollcall.reconcileImage(image);
}

test('a dropped picture over 64 MB is refused before it is read', async () => {
  app.blobs.set('identify/club/huge.jpg', { bytes, size: 64 * 1024 * 1024 + 1, writtenAt: app.clock.now });
  const accessed: string[] = [];
  app.before.access = (what) => void accessed.push(what);
  expect(await ask({ image: 'identify/club/huge.jpg' })).toMatchObject({
    status: 413,
    body: { code: 'image_too_large' },
  });
  expect(accessed).not.toContain('download');
});

test('a picture of a deleted person is gone, though its blob is there still', async () => {
  await drop('enroll/club/ann/1.jpg', 'a1');
  app.clock.now += 10_000;
  see('a2');
  expect(await ask({ image: 'enroll/club/ann/1.jpg' })).toMatchObject({ status: 200 });
  await app.rollcall.deletePerson('club', personKeyOf('club', 'ann'));
  expect(app.blobs.has('enroll/club/ann/1.jpg')).toBe(true);
  expect(await ask({ image: 'enroll/club/ann/1.jpg' })).toMatchObject({
    status: 404,
    body: { code: 'image_not_found' },
  });
  expect(await ask({ faceId: 'a1' }, 'find-similar')).toMatchObject({
    status: 404,
    body: { code: 'face_id_not_found' },
  });
  // Another picture, written since, is of his next generation.
  app.clock.now += 10_000;
  app.blobs.set('enroll/club/ann/1.jpg', { bytes, writtenAt: app.clock.now });
  expect(await ask({ image: 'enroll/club/ann/1.jpg' })).toMatchObject({ status: 200 });
});

test('what was seen before a group was deleted is not found in its next generation', async () => {
  await drop('identify/club/old.jpg', 'old');
  see('http');
  await app.call('POST', 'groups/club/identify', { headers: jpeg, body: bytes });
  await app.rollcall.deleteGroup('club');
  app.clock.now += 1_000;
  await create();
  for (const body of [{ faceIds: ['old'] }, { faceIds: ['http'] }])
    expect(await ask(body)).toMatchObject({ status: 404, body: { code: 'face_id_not_found' } });
  expect(await ask({ image: 'identify/club/old.jpg' })).toMatchObject({ body: { code: 'image_not_found' } });
  app.clock.now += 10_000;
  see('new');
  const { body } = await app.call('POST', 'groups/club/find-similar', { headers: jpeg, body: bytes });
  expect(body).toMatchObject({ searched: 0, faces: [{ faceId: 'new', matches: [] }] });
  expect(compared).toEqual([]);
});

test('a face ID of another recognition model is not known', async () => {
  see('x');
  await app.call('POST', 'groups/club/identify', { headers: jpeg, body: bytes });
  const { recognitionModel: _model, ...rest } = (await app.rollcall.groups.get('club')) ?? expect.fail();
  await app.rollcall.groups.change('club', () => ({ ...rest, recognitionModel: 'recognition_03' }));
  expect(await ask({ faceIds: ['x'] })).toMatchObject({ status: 404, body: { code: 'face_id_not_found' } });
});

test('a face is not found on the very picture that its ID was seen on', async () => {
  await drop('identify/club/two.jpg', 'left', 'right');
  await drop('identify/club/other.jpg', 'other');
  const { body } = await ask({ faceId: 'left' }, 'find-similar');
  expect(body).toMatchObject({
    searched: 1,
    faces: [{ faceId: 'left', matches: [{ faceId: 'other', image: 'identify/club/other.jpg' }] }],
  });
});

test('the ten largest faces of a picture are compared', async () => {
  await drop('identify/club/one.jpg', 'one');
  see(...Array.from({ length: 12 }, (_, index) => `face-${index}`));
  const { body } = await app.call('POST', 'groups/club/find-similar', { headers: jpeg, body: bytes });
  expect((body as { faces: object[] }).faces).toHaveLength(10);
  expect(compared.map(({ faceId }) => faceId)).toEqual(
    Array.from({ length: 10 }, (_, index) => `face-${index}`),
  );
});

test('a match whose image is gone takes the place of no other one', async () => {
  await drop('identify/club/there.jpg', 'there');
  app.clock.now += 1_000;
  await drop('identify/club/gone.jpg', 'gone');
  app.blobs.delete('identify/club/gone.jpg');
  await app.rollcall.reconcileImage('identify/club/gone.jpg');
  see('stranger');
  const { body } = await app.call('POST', 'groups/club/find-similar?maxCandidates=1', {
    headers: jpeg,
    body: bytes,
  });
  expect(body).toMatchObject({ faces: [{ matches: [{ image: 'identify/club/there.jpg' }] }] });
});

test('an enrolled image is found by the face of the bytes that it has now, touched or not', async () => {
  const path = 'enroll/club/ann/1.jpg';
  await drop(path, 'first');
  const found = async () => {
    see('stranger');
    const { body } = await app.call('POST', 'groups/club/find-similar', { headers: jpeg, body: bytes });
    const [face] = (body as { faces: { matches: { faceId: string; image?: string }[] }[] }).faces;
    return face?.matches.filter(({ image }) => image === path).map(({ faceId }) => faceId);
  };
  expect(await found()).toEqual(['first']);

  app.clock.now += 10_000;
  await drop(path, 'none of it is asked');
  expect(await found()).toEqual(['first']);

  app.clock.now += 10_000;
  see('second');
  app.blobs.set(path, { bytes: portrait('bieber_small.jpg'), writtenAt: app.clock.now });
  await app.rollcall.reconcileImage(path);
  expect(await found()).toEqual(['second']);
});

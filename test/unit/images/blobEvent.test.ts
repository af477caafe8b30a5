import { expect, test } from 'vitest';
import { parseEventPath } from '../../../shared/images/blobEvent.ts';
import { inMemory } from '../../helpers/inMemory.ts';
import { portrait } from '../../helpers/pictures.ts';

const subject = '/blobServices/default/containers/enroll/blobs/club/ann/1.jpg';
const topicOf = (account: string) =>
  `/subscriptions/s/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/${account}`;
const azure = (account: string) => `https://${account}.blob.core.windows.net/enroll/club/ann/1.jpg`;
const local = (account: string) => `http://127.0.0.1:10000/${account}/enroll/club/ann/1.jpg`;

test.each([
  ['nothing of its account', {}],
  ['our account', { topic: topicOf('ours'), data: { url: azure('ours') } }],
  ['our account in the path', { data: { url: local('ours') } }],
  ['a host that names none', { data: { url: 'https://pictures.example/enroll/club/ann/1.jpg' } }],
])('an event that tells %s names its picture', (_what, event) => {
  expect(parseEventPath({ subject, ...event }, 'ours')).toBe('enroll/club/ann/1.jpg');
});

test.each([
  ['another topic', { topic: topicOf('theirs') }],
  ['another account', { data: { url: azure('theirs') } }],
  ['another account in the path', { data: { url: local('theirs') } }],
  ['another container', { subject: subject.replace('enroll', 'backup') }],
  ['another container that begins so', { subject: subject.replace('enroll', 'enroll-old') }],
])('an event of %s names none', (_what, event) => {
  expect(parseEventPath({ subject, ...event }, 'ours')).toBeUndefined();
});

test('an event of no blob is refused', () => {
  expect(() => parseEventPath({ subject: '/blobServices/default/containers/enroll' }, 'ours')).toThrow();
});

test('a trigger that speaks of another container does nothing', async () => {
  const app = inMemory();
  const image = 'backup/club/ann/1.jpg';
  app.blobs.set(image, { bytes: portrait('audrey_crop.jpg'), writtenAt: app.clock.now });
  const accessed: string[] = [];
  app.before.access = (what) => void accessed.push(what);
  await app.rollcall.reconcileImage(image);
  await app.rollcall.blobEvent({ subject: '/blobServices/default/containers/backup/blobs/club/ann/1.jpg' });
  expect(accessed).toEqual([]);
});

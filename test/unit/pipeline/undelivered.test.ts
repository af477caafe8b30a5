import { expect, test } from 'vitest';
import { undeliveredEvents } from '../../../shared/config/resources.ts';
import { memoryAccount } from '../../helpers/memoryStorage.ts';
import { World } from '../histories/world.ts';

const dead = (name: string) => `${undeliveredEvents}/sub/2026/1/1/0/${name}.json`;
const event = (path: string, of = memoryAccount) => ({
  topic: `/subscriptions/x/resourceGroups/y/providers/Microsoft.Storage/storageAccounts/${of}`,
  subject: `/blobServices/default/containers/${path.replace('/', '/blobs/')}`,
  eventType: 'Microsoft.Storage.BlobCreated',
  deadLetterReason: 'MaxDeliveryAttemptsExceeded',
});

test('an image whose event Event Grid gave up is processed at the next resync, and the dead letter goes', async () => {
  const world = new World();
  const paths = ['enroll/g/ann/1.bmp', 'identify/g/who.bmp'] as const;
  for (const path of paths) world.drop(path, true);
  const write = (name: string, text: string) =>
    world.blobs.set(dead(name), { bytes: Buffer.from(text), writtenAt: world.now });
  write('created', JSON.stringify(paths.map((path) => event(path))));
  write('elsewhere', JSON.stringify([event('enroll/g/bob/1.bmp', 'another')]));
  write('unreadable', '{ "what is');
  write('no-event', JSON.stringify([{ subject: 'x' }]));
  await world.sweep();
  expect([...world.blobs.keys()].filter((path) => path.startsWith(undeliveredEvents))).toEqual([]);
  expect(world.messages).toHaveLength(2);
  await world.settle();
  expect(await world.app.imageRecords.counts('g')).toMatchObject({ images: { enrolled: 1 } });
});

test('a deletion that was not delivered is reconciled too', async () => {
  const world = new World();
  const path = 'enroll/g/ann/1.bmp';
  world.drop(path, true);
  await world.announce(path);
  await world.settle(2);
  world.blobs.delete(path);
  world.blobs.set(dead('deleted'), {
    bytes: Buffer.from(JSON.stringify([{ ...event(path), eventType: 'Microsoft.Storage.BlobDeleted' }])),
    writtenAt: world.now,
  });
  await world.sweep();
  await world.settle(2);
  expect(world.facesOf('g')).toEqual([]);
});

test('a deletion whose event was lost is found, also of a path without a group and of a probe whose group is awaited', async () => {
  const world = new World();
  const paths = ['enroll/g/ann/1.bmp', 'enroll/No Group/x.bmp', 'identify/awaited/who.bmp'] as const;
  for (const path of paths) {
    world.drop(path, true);
    await world.announce(path);
  }
  await world.settle(2);
  const states = async () => {
    const { items } = await world.app.allImages({ top: 100 });
    return Object.fromEntries(items.map(({ image, state }) => [image, state]));
  };
  expect(await states()).toEqual({ [paths[0]]: 'enrolled', [paths[1]]: 'rejected', [paths[2]]: 'rejected' });
  for (const path of paths) world.blobs.delete(path);
  await world.settle();
  expect(await states()).toEqual(Object.fromEntries(paths.map((path) => [path, 'removed'])));
});

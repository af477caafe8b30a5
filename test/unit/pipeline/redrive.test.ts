import { expect, test } from 'vitest';
import { queues } from '../../../shared/config/resources.ts';
import { placeOf } from '../../../shared/images/imagePath.ts';
import type { DeadLetters } from '../../../shared/messages/deadLetters.ts';
import type { WorkQueues } from '../../../shared/messages/workQueues.ts';
import { createRedrive } from '../../../shared/pipeline/redrive.ts';
import { failed, received } from '../../../shared/records/image.ts';
import { inMemory } from '../../helpers/inMemory.ts';

type Answer = { redriven: number; more: boolean; next?: string };

const app = inMemory();
/** Queues whose dead letters were drained, and keys that were enqueued, with their queue. */
const drained: string[] = [];
const enqueued: string[] = [];

const redrive = createRedrive({
  imageRecords: app.rollcall.imageRecords,
  allImages: app.rollcall.allImages,
  workQueues: {
    enqueueImage: async () => void enqueued.push('images'),
    enqueuePerson: async ({ person }) => void enqueued.push(`persons ${person}`),
  } as Pick<WorkQueues, 'enqueueImage' | 'enqueuePerson'> as WorkQueues,
  deadLetters: {
    async drain(enqueueAgain) {
      drained.push('all');
      await enqueueAgain(queues.persons.name, { key: { group: 'club', person: 'p' } });
      await enqueueAgain(queues.persons.name, 'what is this?');
      await enqueueAgain(queues.failures.name, { failure: {} });
    },
  } as Pick<DeadLetters, 'drain'> as DeadLetters,
  log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  now: () => app.clock.now,
});

Object.assign(app.rollcall, { redrive });

test('a redrive of several pages drains the dead letters once, and a new one drains them again', async () => {
  await app.call('PUT', 'groups/club', { body: '{}' });
  for (let index = 0; index < 510; index += 1) {
    const image = `enroll/club/${index}/1.jpg`;
    const known = { image, group: 'club', person: String(index), generation: '1.1' };
    await app.rollcall.imageRecords.change(placeOf(image).ref, () => {
      const record = received(undefined, known, { etag: '1', bytes: 9 }, app.clock.now);
      return failed(record, record, { reason: 'internal', detail: 'x' }, app.clock.now);
    });
  }
  const first = (await app.call('POST', 'failures/redrive')).body as Answer;
  expect(first).toMatchObject({ redriven: 500, more: true });
  expect(enqueued).toEqual(['persons p', ...Array.from({ length: 500 }, () => 'images')]);
  expect((await app.call('POST', `failures/redrive?after=${first.next}`)).body).toEqual({
    redriven: 10,
    more: false,
  });
  expect(drained).toHaveLength(1);
  expect((await app.call('POST', 'failures/redrive')).body).toEqual({ redriven: 0, more: false });
  expect(drained).toHaveLength(2);
});

test('a redrive for one reason leaves the dead letters where they are', async () => {
  drained.length = 0;
  await app.call('POST', 'failures/redrive?reason=internal');
  await app.call('POST', 'failures/redrive?reason=low_quality');
  expect(drained).toEqual([]);
});

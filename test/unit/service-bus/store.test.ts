import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { MessageStore } from '../../../emulators/service-bus/store.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const message = {
  sequenceNumber: 1,
  messageId: 'm',
  sessionId: null,
  state: 'active' as const,
  deliveryCount: 0,
  enqueuedAt: 0,
  scheduledFor: null,
  expiresAt: null,
  wasScheduled: false,
};
const content = { ttl: null, annotations: null, bare: Uint8Array.of(1), head: Uint8Array.of(2) };

test('a file of the version that kept no head of a message is opened, with its messages', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const file = join(folder.path, 'messages.sqlite');
  const first = new MessageStore(file);
  first.queue('q').insert(message, content);
  first.close();
  const db = new DatabaseSync(file);
  db.exec('ALTER TABLE messages DROP COLUMN head');
  db.close();

  const store = new MessageStore(file);
  onTestFinished(() => store.close());
  const queue = store.queue('q');
  expect(queue.load()).toEqual([message]);
  expect(queue.content(1)).toEqual({ ...content, head: null });
  queue.insert({ ...message, sequenceNumber: 2 }, content);
  expect(queue.content(2)).toEqual(content);
});

test('a change that throws writes nothing, also to another queue', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const store = new MessageStore(join(folder.path, 'messages.sqlite'));
  onTestFinished(() => store.close());
  const [one, other] = [store.queue('one'), store.queue('other')];
  one.insert(message, content);
  const move = () =>
    one.atomically(() => {
      other.atomically(() => other.insert(message, content));
      one.remove(1);
      throw new Error('too late');
    });
  expect(move).toThrow('too late');
  expect(one.load()).toEqual([message]);
  expect(other.load()).toEqual([]);
});

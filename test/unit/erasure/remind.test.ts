import { beforeEach, expect, test } from 'vitest';
import { queues, tables } from '../../../shared/config/resources.ts';
import { parseKey } from '../../../shared/messages/workQueues.ts';
import { personKeyOf } from '../../../shared/records/keys.ts';
import { inMemory } from '../../helpers/inMemory.ts';
import { World } from '../histories/world.ts';

let app: ReturnType<typeof inMemory>;
beforeEach(() => {
  app = inMemory();
});

test('an erasure of a person that ends while the resync comes to it takes nothing of its group', async () => {
  await app.call('PUT', 'groups/g', { body: '{}' });
  const { erasures } = app.rollcall;
  const erasure = await erasures.open({ group: 'g', person: personKeyOf('g', 'ann') }, app.clock.now);
  app.before.access = async (what) => {
    if (what !== `get ${tables.erasures}`) return;
    app.before.access = () => undefined;
    await erasures.removed(erasure.id, erasure);
  };
  await app.rollcall.resync();
  expect(await erasures.get(erasure.id)).toHaveProperty('finishedAt');
  expect(await app.call('GET', 'groups/g')).toMatchObject({ status: 200 });
});

test('every open erasure has its turn, however many are slow', async () => {
  const world = new World();
  const groups = Array.from({ length: 120 }, (_, index) => `g${index}`);
  for (const group of groups) {
    await world.put(group, {});
    await world.forget(group);
  }
  const resync = async () => {
    world.messages = [];
    await world.sweep();
    return world.messages.filter(({ queue }) => queue === queues.erasures.name).map(({ body }) => body);
  };
  const turns = [await resync(), await resync(), await resync()];
  expect(turns.map(({ length }) => length)).toEqual([50, 50, 20]);
  const enqueued = turns.flat().map((body) => parseKey.erasure(body).group);
  expect(enqueued.toSorted()).toEqual(groups.toSorted());
  expect(await resync()).toEqual(turns[0]);
});

test('as many open erasures as a resync enqueues are enqueued by each', async () => {
  await deleteGroups(50);
  const sent = countSent();
  await app.rollcall.resync();
  await app.rollcall.resync();
  expect(sent()).toBe(100);
});

test('an open erasure that cannot be enqueued keeps no other from its turn', async () => {
  await deleteGroups(120);
  const sent = countSent(new Error('an outage'));
  for (let resyncs = 0; resyncs < 3; resyncs += 1) await app.rollcall.resync();
  expect(sent()).toBe(120);
});

async function deleteGroups(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await app.call('PUT', `groups/g${index}`, { body: '{}' });
    await app.call('DELETE', `groups/g${index}`);
  }
}

/** Counts the messages to the queue of erasures; `failure` is thrown for the first. */
function countSent(failure?: Error): () => number {
  let sent = 0;
  app.before.access = (what) => {
    if (what !== `send ${queues.erasures.name}`) return;
    sent += 1;
    if (sent === 1 && failure !== undefined) throw failure;
  };
  return () => sent;
}

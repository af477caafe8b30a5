import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MessageContent } from '../../../emulators/service-bus/message.ts';
import { sizeOf } from '../../helpers/size.ts';
import { lockMs, World, type Modelled } from './queueModel.ts';

/*
 * A queue under random calls, against a model that knows of each message where it has to be: scheduled, available,
 * locked, deferred, in the dead-letter queue, or removed.
 */

const sessionIds = ['', 'a', 'b'];
const content: MessageContent = { ttl: null, head: null, annotations: null, bare: new Uint8Array() };

const step = fc.oneof(
  fc.record({
    do: fc.constant('send' as const),
    session: fc.constantFrom(...sessionIds),
    delay: fc.option(fc.constantFrom(1_000, 5_000)),
    ttl: fc.option(fc.constantFrom(3_000, 8_000)),
  }),
  fc.record({ do: fc.constant('deliver' as const), pick: fc.nat(9) }),
  fc.record({
    do: fc.constantFrom('complete' as const, 'abandon' as const, 'defer' as const, 'deadLetter' as const),
    pick: fc.nat(9),
  }),
  fc.record({
    do: fc.constantFrom('renew' as const, 'deliverDeferred' as const, 'cancel' as const),
    pick: fc.nat(9),
  }),
  fc.record({ do: fc.constantFrom('accept' as const, 'release' as const), pick: fc.nat(9) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(500, 4_000, lockMs) }),
  fc.record({ do: fc.constant('restart' as const) }),
);

function run(world: World, action: typeof step extends fc.Arbitrary<infer Step> ? Step : never): void {
  const { messages, held, queue } = world;
  const choose = <Item>(items: readonly Item[], pick: number): Item | undefined =>
    items.length === 0 ? undefined : items[pick % items.length];
  switch (action.do) {
    case 'send': {
      const { session, delay, ttl } = action;
      const id = `m${messages.length}`;
      const scheduledFor = delay === null ? null : world.now + delay;
      const incoming = { messageId: id, sessionId: session, scheduledFor, content: { ...content, ttl } };
      const [number = 0] = queue.send([incoming]);
      const activeAt = scheduledFor ?? world.now;
      const place = delay === null ? 'available' : 'scheduled';
      const expiresAt = activeAt + (ttl ?? Infinity);
      messages.push({ id, session, place, isDeferred: false, number, count: 0, activeAt, expiresAt });
      return;
    }
    case 'deliver': {
      const session = choose(held, action.pick);
      if (world.hasSessions && session === undefined) return;
      const delivery = queue.deliver('peekLock', session);
      const [first] = messages
        .filter(({ place }) => place === 'available')
        .filter((message) => session === undefined || message.session === session.sessionId)
        .toSorted((one, other) => one.number - other.number);
      expect(delivery?.messageId).toBe(first?.id);
      if (delivery === undefined || first === undefined) return;
      first.place = 'locked';
      first.lock = { delivery, until: delivery.lockedUntil, session };
      return;
    }
    case 'deliverDeferred': {
      const message = choose(
        messages.filter(({ isDeferred }) => isDeferred),
        action.pick,
      );
      const session = held.find(({ sessionId }) => sessionId === message?.session);
      if (message === undefined || (world.hasSessions && session === undefined)) return;
      const deliver = () => queue.deliverDeferred([message.number], 'peekLock', session);
      if (message.place !== 'deferred') return expect(deliver).toThrow('not there');
      const [delivery] = deliver();
      if (delivery === undefined) return expect.fail('it did not come');
      message.place = 'locked';
      message.lock = { delivery, until: delivery.lockedUntil, session };
      return;
    }
    case 'cancel': {
      const message = choose(messages, action.pick);
      if (message === undefined) return;
      const cancel = () => queue.cancelScheduled([message.number]);
      if (message.place !== 'scheduled') return expect(cancel).toThrow('not there');
      cancel();
      message.place = 'removed';
      return;
    }
    case 'accept': {
      const ready = world.hasSessions
        ? messages
            .filter(
              ({ place, session }) => place === 'available' && !held.some((h) => h.sessionId === session),
            )
            .map(({ session }) => session)
        : [];
      const session = queue.sessions.acceptNext(() => world.lost.push(session?.sessionId ?? ''));
      if (session === undefined) return expect(ready).toEqual([]);
      expect(ready).toContain(session.sessionId);
      held.push(session);
      return;
    }
    case 'release': {
      const session = choose(held, action.pick);
      if (session === undefined) return;
      queue.releaseSession(session);
      world.free(session, false);
      return;
    }
    case 'wait':
      world.wait(action.ms);
      return;
    case 'restart': {
      [world.queue, world.deadLetters] = world.open();
      for (const session of held) world.free(session, false);
      held.length = 0;
      for (const message of messages.filter(({ lock }) => lock !== undefined)) {
        message.place = message.isDeferred ? 'deferred' : 'available';
        message.lock = undefined;
      }
      world.wait(0);
      return;
    }
    case 'complete':
    case 'abandon':
    case 'defer':
    case 'deadLetter':
    case 'renew':
      settle(
        world,
        action.do,
        choose(
          messages.filter(({ lock }) => lock !== undefined),
          action.pick,
        ),
      );
  }
}

function settle(
  world: World,
  how: 'complete' | 'abandon' | 'defer' | 'deadLetter' | 'renew',
  message: Modelled | undefined,
): void {
  if (message?.lock === undefined) return;
  const { queue, now } = world;
  const { delivery, session } = message.lock;
  if (how === 'renew') {
    if (session === undefined) message.lock.until = queue.locks.renew(delivery.lockToken);
    else queue.sessions.renew(session.sessionId);
    expect(session?.lockedUntil ?? message.lock.until).toBe(now + lockMs);
    return;
  }
  if (how === 'deadLetter') queue.deadLetter(delivery.lockToken, { reason: '', description: '' });
  else queue[how](delivery.lockToken);
  expect(() => queue.complete(delivery.lockToken)).toThrow('lock supplied is invalid');
  message.lock = undefined;
  if (how === 'abandon') return world.fail(message);
  if (how === 'complete') message.place = 'removed';
  if (how === 'deadLetter') message.place = 'dead';
  if (how !== 'defer') message.isDeferred = false;
  else {
    message.place = 'deferred';
    message.isDeferred = true;
    message.count += 1;
  }
}

test.each([false, true])('a queue with sessions: %s keeps every message in one place', (hasSessions) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      const world = new World(hasSessions);
      try {
        for (const action of steps) {
          run(world, action);
          world.check();
        }
      } finally {
        world.store.close();
      }
    }),
    { numRuns: sizeOf({ quick: 200, full: 10_000 }) },
  );
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueTimes } from '../../../emulators/service-bus/dueTimes.ts';
import { sizeOf } from '../../helpers/size.ts';

const key = fc.nat(9);
const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), key, at: fc.nat(50) }),
  fc.record({ do: fc.constant('delete' as const), key }),
  fc.record({ do: fc.constant('take' as const), now: fc.nat(50) }),
);

test('it says what a list that is searched says', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const times = new DueTimes<number>();
      const listed = new Map<number, number>();
      for (const action of steps) {
        if (action.do === 'set') {
          times.set(action.key, action.at);
          listed.set(action.key, action.at);
        } else if (action.do === 'delete') {
          times.delete(action.key);
          listed.delete(action.key);
        } else {
          const due = times.take(action.now);
          const first = Math.min(...listed.values());
          if (first > action.now) expect(due).toBeUndefined();
          else expect(listed.get(due ?? -1)).toBe(first);
          listed.delete(due ?? -1);
        }
        expect(times.next).toBe(Math.min(...listed.values()));
      }
    }),
    { numRuns: sizeOf({ quick: 500, full: 50_000 }) },
  );
});

/** A number that counts how often it is compared. */
function counted(at: number, compared: { times: number }): number {
  return {
    valueOf() {
      compared.times += 1;
      return at;
    },
  } as unknown as number;
}

test('what one event costs does not grow with the queue', () => {
  const comparisonsOf = (size: number): number => {
    const compared = { times: 0 };
    const times = new DueTimes<number>();
    const at = Array.from({ length: size + 100 }, (_, index) => counted(index, compared));
    for (const [index, time] of at.entries()) times.set(index, time);
    compared.times = 0;
    // As a queue does: the oldest lock ends, another one begins, and the next time is asked for.
    for (let event = 0; event < 100; event += 1) {
      times.delete(event);
      expect(times.next + 0).toBe(event + 1);
    }
    return compared.times / 100;
  };
  expect(comparisonsOf(20_000)).toBeLessThan(4 * comparisonsOf(20));
});

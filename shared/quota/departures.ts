import type { Jitter } from './jitter.ts';
import type { Priority } from './schedule.ts';
import type { ServiceClock } from './serviceClock.ts';

/*
 * The departures of one instance: the slots that it has booked, and the calls that leave in them.
 *
 * States of a slot: booked; then either used by one caller, or dropped.
 * Transitions: `add` books, the timer of the next slot uses or drops each slot that has come, `dropAll` drops the rest.
 *
 * Invariants:
 * - one caller at most leaves in a slot, not before the slot and not later than its `latenessMs`;
 * - a slot that is reached later is dropped, so that a stall or a slow table never sends two calls close together;
 * - a background caller leaves first in an owed slot, an interactive caller in any other slot.
 */
export type Departures = ReturnType<typeof createDepartures>;

/**
 * Permission for one call to leave. The holder calls `answered` when Face has answered, with the milliseconds that Face
 * reports for the call, if Face reports them.
 */
export type Permit = { leftAt: number; answered(serviceMs?: number): void };

export type LimiterClock = {
  now(): number;
  /** Calls `wake` after `ms` milliseconds. The returned function cancels the call. */
  after(ms: number, wake: () => void): () => void;
};

/** `at`: by the service's clock. `isOwed`: background callers leave first in this slot. */
type Slot = { at: number; latenessMs: number; isOwed: boolean };

export type DepartureOptions = {
  clock: LimiterClock;
  serviceClock: ServiceClock;
  jitter: Jitter;
  /** Gives the permit of a slot to one caller, if any waits. */
  leave: (first: Priority, permit: Permit) => void;
  /** Called after all slots that have come were used or dropped. */
  onDeparted: () => void;
};

export function createDepartures({ clock, serviceClock, jitter, leave, onDeparted }: DepartureOptions) {
  let slots: Slot[] = [];
  let isTimed = false;

  function departAtNextSlot(): void {
    const [next] = slots;
    if (isTimed || next === undefined) return;
    isTimed = true;
    clock.after(Math.max(0, next.at - serviceClock.now()), () => {
      isTimed = false;
      depart();
    });
  }

  function depart(): void {
    // One stall makes many slots late but counts as one late departure.
    jitter.left(serviceClock.now() - (slots[0]?.at ?? serviceClock.now()));
    for (let next = slots[0]; next !== undefined; next = slots[0]) {
      const lateMs = serviceClock.now() - next.at;
      if (lateMs < 0) break;
      slots.shift();
      if (lateMs <= next.latenessMs) leave(next.isOwed ? 'background' : 'interactive', toPermit());
    }
    departAtNextSlot();
    onDeparted();
  }

  function toPermit(): Permit {
    const leftAt = clock.now();
    return {
      leftAt: serviceClock.now(),
      answered(serviceMs) {
        if (serviceMs !== undefined) jitter.travelled(Math.max(0, clock.now() - leftAt - serviceMs));
      },
    };
  }

  return {
    /** The slots that are booked and have not come. */
    counts(): { owed: number; others: number } {
      const owed = slots.filter(({ isOwed }) => isOwed).length;
      return { owed, others: slots.length - owed };
    },

    add(starts: readonly number[], { latenessMs, isOwed }: Omit<Slot, 'at'>): void {
      slots.push(...starts.map((at) => ({ at, latenessMs, isOwed })));
      departAtNextSlot();
    },

    dropAll(): void {
      slots = [];
    },
  };
}

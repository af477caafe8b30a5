import type { Ledger } from '../../records/ledger.ts';
import type { Picture } from '../../records/image.ts';
import { record } from '../../telemetry/metrics.ts';

/** The same ledger, with every picture counted that comes into another state, and how long it was on its way. */
export function observeLedger(ledger: Ledger, now: () => number): Ledger {
  return {
    ...ledger,
    async change(ref, transition) {
      let before: Picture | undefined;
      const after = await ledger.change(ref, (picture) => {
        before = picture;
        return transition(picture);
      });
      if (after !== undefined && hasMoved(before, after)) count(after, now());
      return after;
    },
  };
}

function hasMoved(before: Picture | undefined, after: Picture): boolean {
  return before?.state !== after.state || before.receivedAt !== after.receivedAt;
}

function count(picture: Picture, now: number): void {
  const container = { 'rollcall.container': picture.person === undefined ? 'identify' : 'enroll' };
  const { state, reason } = picture;
  record('rollcall.pictures', 1, {
    ...container,
    'rollcall.state': state,
    ...(reason === undefined ? {} : { 'rollcall.reason': reason }),
  });
  if (state === 'enrolled' || state === 'identified') {
    record('rollcall.freshness', Math.max(0, now - picture.receivedAt) / 1_000, container);
  }
}

import { expect, test } from 'vitest';
import { toStep, type Situation } from '../../../shared/quota/bookingStep.ts';
import { backgroundWaits, emptySchedule, passedAtMost } from '../../../shared/quota/schedule.ts';

const now = 1_700_000_000_000;
const quota = [{ calls: 10, windowMs: 1_000 }];
const free = { ...emptySchedule(0), nextFree: now };
const owed = { ...free, background: { waitsUntil: now + 10_000, passed: passedAtMost } };
const situation: Situation = {
  ...{
    by: 'one',
    now,
    wanted: 1,
    latenessMs: 2,
    jitterMs: 0,
    usualWriteMs: 5,
    leadMs: 30,
    longestLeadMs: 40,
  },
  isWaiting: { interactive: true, background: false },
  longestWaitMs: 3_000,
};
const both = { interactive: true, background: true };
const background = { interactive: false, background: true };

test('a slot is reserved not before the write of the row has ended', () => {
  expect(toStep(quota, free, situation)).toMatchObject({ kind: 'reserve', slots: [now + 5], isOwed: false });
});

test('an interactive call books as far ahead as it may wait, background work within its lead time', () => {
  const ahead = { ...backgroundWaits(free, now), nextFree: now + 2_000 };
  expect(toStep(quota, ahead, situation)).toMatchObject({ kind: 'reserve', slots: [now + 2_000] });
  expect(toStep(quota, ahead, { ...situation, isWaiting: background })).toMatchObject({
    ...{ kind: 'later', priority: 'background', freeInMs: 2_000, sleepMs: 1_970 },
  });
});

test('background work that cannot book tells the other instances once that it waits', () => {
  const ahead = { ...free, nextFree: now + 2_000 };
  const step = toStep(quota, ahead, { ...situation, isWaiting: background });
  expect(step).toMatchObject({ kind: 'announce', schedule: backgroundWaits(ahead, now) });
});

test('a slot owed to background work is booked for it, and for an interactive call at its time alone', () => {
  expect(toStep(quota, owed, { ...situation, isWaiting: both })).toMatchObject({
    kind: 'reserve',
    isOwed: true,
  });
  const soon = { ...owed, nextFree: now + 30 };
  expect(toStep(quota, soon, situation)).toMatchObject({
    kind: 'later',
    priority: 'interactive',
    sleepMs: 20,
  });
  expect(toStep(quota, owed, situation)).toMatchObject({ kind: 'reserve', isOwed: false });
});

test('with both priorities at one instance, background work is made known with the booking', () => {
  const step = toStep(quota, free, { ...situation, isWaiting: both });
  expect(step).toMatchObject({ kind: 'reserve', schedule: { background: { passed: 1 } } });
});

import type { FaceClient } from '../face/client.ts';
import { isFaceError } from '../face/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { DeadLetters } from '../messages/deadLetters.ts';
import type { PictureRef, Doorbells, PersonBell } from '../messages/workQueues.ts';
import type { Groups } from '../records/groups.ts';
import type { Ledger } from '../records/ledger.ts';
import {
  failed,
  faceDeleted,
  isInLine,
  needsEnrollment,
  rejected,
  removed,
  sentAway,
  setBack,
  type Picture,
} from '../records/image.ts';
import { setbackOf } from './failurePolicy.ts';
import type { AddFace } from '../enrollment/addFace.ts';

export type SessionOptions = {
  ledger: Ledger;
  groups: Groups;
  face: FaceClient;
  addFace: AddFace;
  groupChanged: (group: string) => Promise<unknown>;
  /** Goes on with what is to be erased of a person; resolves with when to come back (never: Infinity). */
  erasePerson: (bell: PersonBell) => Promise<number>;
  doorbells: Doorbells;
  deadLetters: DeadLetters;
  log: Log;
  now: () => number;
};

/**
 * A session works at most so long and at most so many pictures at a time; then it rings at its own door. A person has
 * 248 faces at most, so that what waits for a later look does not stand before what can be done.
 */
const longestWorkMs = 30_000;
const picturesAtATime = 300;
/** So long the look at a picture that was written again may take before its person comes back to it. */
const changedPauseMs = 2_000;

/**
 * Works through what a person's pictures have to do in Face, oldest first: faces that must go, adds in doubt, adds
 * that are wanted. Service Bus gives a session to one instance at a time, so nothing else changes this person's
 * faces meanwhile. A picture that fails does not hold up the others, unless it is the quota that ran out.
 */
export function createEnrollmentSession(options: SessionOptions) {
  const { ledger, doorbells, log, now } = options;

  async function work({ group, person }: PersonBell): Promise<void> {
    const endAt = now() + longestWorkMs;
    let comeBackAt = await options.erasePerson({ group, person });
    const refs = await ledger.openPictures(group, person, picturesAtATime);
    if (refs.length === picturesAtATime) comeBackAt = now();
    for (const ref of refs) {
      const next = now() > endAt ? { at: now(), stop: true } : await step(ref);
      comeBackAt = Math.min(comeBackAt, next.at);
      if (next.stop) break;
    }
    if (comeBackAt < Infinity) await doorbells.ringPerson({ group, person }, Math.max(0, comeBackAt - now()));
  }

  /** Does what one picture needs. Says when to come back to it (never: Infinity), and whether to stop here. */
  async function step(ref: PictureRef): Promise<{ at: number; stop: boolean }> {
    const picture = await ledger.get(ref);
    if (picture === undefined) return { at: Infinity, stop: false };
    // The doorbell that brought us is not the one of its turn at the gate: that one comes.
    if (isInLine(picture, now())) return { at: Infinity, stop: true };
    try {
      return { at: await advance(ref, picture), stop: false };
    } catch (error) {
      return recover(ref, picture, error);
    }
  }

  async function advance(ref: PictureRef, picture: Picture): Promise<number> {
    await options.addFace.settleIntents(ref, picture);
    await deleteSurplus(ref);
    const current = await ledger.get(ref);
    if (current?.state === 'detected') {
      if (!(await isOfThisLife(ref, current))) await ledger.change(ref, (p) => p && removed(p, now()));
      else if ((await options.addFace.add(ref, current)) === 'changed') {
        // The event of the newer version may be lost.
        await doorbells.ringPicture(ref);
        return now() + changedPauseMs;
      }
      await deleteSurplus(ref);
    }
    return nextTurnOf(ref);
  }

  /** A group or person that was deleted since has a higher generation: nothing is created for an earlier one. */
  async function isOfThisLife(ref: PictureRef, picture: Picture): Promise<boolean> {
    const group = await options.groups.get(ref.group);
    const person = group && (await ledger.person(group, ref.person ?? ''));
    return picture.generation === person?.life;
  }

  /** Deleting is idempotent: a face that is not there is gone. */
  async function deleteSurplus(ref: PictureRef): Promise<void> {
    const picture = await ledger.get(ref);
    for (const { personId, faceId } of picture?.surplus ?? []) {
      await options.face.deleteFace(ref.group, personId, faceId).catch((error: unknown) => {
        if (!isFaceError(error, 404)) throw error;
      });
      await options.groupChanged(ref.group);
      await ledger.change(ref, (p) => p && faceDeleted(p, faceId, now()));
    }
  }

  /** At once when something is left to do; else when the next add in doubt can no longer land (never: Infinity). */
  async function nextTurnOf(ref: PictureRef): Promise<number> {
    const picture = await ledger.get(ref);
    if (picture === undefined || !needsEnrollment(picture)) return Infinity;
    if (picture.state === 'detected' || picture.surplus.length > 0) return now();
    return Math.min(...picture.intents.map(options.addFace.inDoubtUntil));
  }

  async function recover(
    ref: PictureRef,
    picture: Picture,
    error: unknown,
  ): Promise<{ at: number; stop: boolean }> {
    const setback = setbackOf(error, picture.attempts ?? 0);
    switch (setback.kind) {
      case 'wait':
        await ledger.change(ref, (p) => p && sentAway(p, now() + setback.inMs));
        return { at: now() + setback.inMs, stop: true };
      case 'again':
        log.warn(`picture ${ref.image} is tried again`, setback.error);
        await ledger.change(ref, (p) => p && setBack(p));
        return { at: now() + setback.inMs, stop: false };
      case 'reject':
        await ledger.change(ref, (p) => p && rejected(p, picture, becauseOf(setback), now()));
        return { at: now(), stop: false };
      case 'fail':
        log.error(`picture ${ref.image} failed`, setback.error);
        await options.deadLetters.bury({ ref, code: setback.reason, detail: setback.detail });
        await ledger.change(ref, (p) => p && failed(p, picture, becauseOf(setback), now()));
        return { at: Infinity, stop: false };
    }
  }

  return { work };
}

function becauseOf<Reason>({ reason, detail }: { reason: Reason; detail: string }) {
  return { reason, detail };
}

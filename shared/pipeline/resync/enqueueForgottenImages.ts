import { isSettled, needsEnrollment } from '../../records/image.ts';
import { pageOf, type ResyncOptions } from './options.ts';

/** How long after its scheduled time a deferred image may still be at work. */
const deferredGraceMs = 30_000;

type Options = Pick<ResyncOptions, 'reminders' | 'imageRecords' | 'workQueues' | 'now'>;

/** Queues images that stopped half-way. A row that is not settled has a reminder, which is due when it should be. */
export async function enqueueForgottenImages(options: Options): Promise<void> {
  const { reminders, imageRecords, workQueues, now } = options;
  for (const reminder of await reminders.due(pageOf.reminders)) {
    const { ref } = reminder;
    const image = await imageRecords.get(ref);
    if (image === undefined || isSettled(image)) {
      await reminders.drop(reminder.key);
      continue;
    }
    // A deferred image has a message of its own; a second one would have it detected twice.
    const { waitsUntil = 0 } = image;
    if (waitsUntil > now() - deferredGraceMs) {
      await reminders.putOff(reminder, waitsUntil);
      continue;
    }
    if (image.state === 'received') await workQueues.enqueueImage(ref);
    if (needsEnrollment(image) && ref.person !== undefined)
      await workQueues.enqueuePerson({ group: ref.group, person: ref.person });
    await reminders.postpone(reminder);
  }
}

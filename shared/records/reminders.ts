import type { ImageRef } from '../messages/workQueues.ts';
import { randomUUID } from 'node:crypto';
import { oldestFirst } from './keys.ts';
import { take } from './ranges.ts';
import type { Table } from './table.ts';

/** How long after its creation a reminder is due; by then the image's queued message has usually been processed. */
const firstDueMs = 30_000;
const partition = 'due';

/** `since`: when the image began to wait, in milliseconds since 1970. `times`: how often the reminder was postponed. */
export type Reminder = { key: string; ref: ImageRef; times: number; since: number };

export type Reminders = ReturnType<typeof createReminders>;

/**
 * Reminders for the resync: one row per unsettled image, sorted by the time of its next reconcile. A reminder is
 * written before the image's row and removed after it, so that the resync may find a superfluous reminder but never
 * misses an image.
 */
export function createReminders(table: Table, now: () => number) {
  const keyFor = (dueAt: number) => `${oldestFirst(dueAt)}.${randomUUID()}`;

  async function move(reminder: Reminder, dueAt: number, times: number): Promise<void> {
    await table.write(partition, [
      { kind: 'insert', rowKey: keyFor(dueAt), value: { ref: reminder.ref, times, since: reminder.since } },
      { kind: 'remove', rowKey: reminder.key },
    ]);
  }

  return {
    /** The row key of a reminder that is still to be added. */
    newKey: (): string => keyFor(now() + firstDueMs),

    async add(rowKey: string, ref: ImageRef): Promise<void> {
      await table.write(partition, [{ kind: 'insert', rowKey, value: { ref, times: 0, since: now() } }]);
    },

    drop: (rowKey: string): Promise<void> => table.remove(partition, rowKey),

    /** Due reminders, oldest first; at most `top`. */
    async due(top: number): Promise<Reminder[]> {
      const rows = await take(table.range<Omit<Reminder, 'key'>>(partition, '', oldestFirst(now())), top);
      return rows.map((row) => ({ key: row.rowKey, ...row.value }));
    },

    /** How many images wait (counted up to `atMost`), and since when the oldest of the counted images has waited. */
    async backlog(atMost: number): Promise<{ pictures: number; since: number | undefined }> {
      let pictures = 0;
      let since: number | undefined;
      for await (const { value } of table.range<Omit<Reminder, 'key'>>(partition, '', '~')) {
        since = Math.min(since ?? Infinity, value.since);
        pictures += 1;
        if (pictures === atMost) break;
      }
      return { pictures, since };
    },

    /** Moves a reminder to `firstDueMs` after `turnAt`, the scheduled time of a deferred image. */
    async putOff(reminder: Reminder, turnAt: number): Promise<void> {
      await move(reminder, turnAt + firstDueMs, reminder.times);
    },

    /**
     * Postpones a reminder by 2, 4, 8, … minutes, an hour at most. The image record keeps the key of the old reminder,
     * so the new reminder remains when the image settles; it is deleted when it is next due.
     */
    async postpone(reminder: Reminder): Promise<void> {
      const times = reminder.times + 1;
      await move(reminder, now() + Math.min(2 ** times, 60) * 60_000, times);
    },
  };
}

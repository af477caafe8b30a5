import type { ImageRef } from '../messages/workQueues.ts';
import { randomUUID } from 'node:crypto';
import { oldestFirst } from './keys.ts';
import { take, type Table } from './table.ts';

/** How long after its creation a reminder is due: usually the queued message has done the work by then. */
const firstDueMs = 30_000;
const partition = 'due';

/** `since`: when the picture began to wait; milliseconds since 1970. */
export type Reminder = { key: string; ref: ImageRef; times: number; since: number };

export type Reminders = ReturnType<typeof createReminders>;

/**
 * What the resync must not forget: one row a picture that is not settled, sorted by when to look at it again.
 * It is written before the picture's row and removed after it, so the resync may find one too many, never too few.
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
    async add(ref: ImageRef): Promise<string> {
      const rowKey = keyFor(now() + firstDueMs);
      await table.write(partition, [{ kind: 'insert', rowKey, value: { ref, times: 0, since: now() } }]);
      return rowKey;
    },

    async drop(rowKey: string): Promise<void> {
      if ((await table.get(partition, rowKey)) === undefined) return;
      await table.write(partition, [{ kind: 'remove', rowKey }]);
    },

    /** Reminders whose time has come, oldest first. */
    async due(top: number): Promise<Reminder[]> {
      const rows = await take(table.range<Omit<Reminder, 'key'>>(partition, '', oldestFirst(now())), top);
      return rows.map((row) => ({ key: row.rowKey, ...row.value }));
    },

    /** How many pictures wait, `atMost` being counted, and since when the oldest of them. */
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

    /** Postpones a reminder until a while after a deferred image is due. */
    async putOff(reminder: Reminder, turnAt: number): Promise<void> {
      await move(reminder, turnAt + firstDueMs, reminder.times);
    },

    /**
     * The same reminder, due later: 2, 4, 8, … minutes, an hour at most. The picture goes on naming the old key;
     * when it settles, this one is found once more and dropped.
     */
    async postpone(reminder: Reminder): Promise<void> {
      const times = reminder.times + 1;
      await move(reminder, now() + Math.min(2 ** times, 60) * 60_000, times);
    },
  };
}

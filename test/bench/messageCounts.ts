import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export type MessageCounts = {
  /** Sent to be delivered at once. */
  atOnce: number;
  /** Sent to be delivered later. */
  scheduled: number;
  /** Deliveries that failed: abandoned, or their lock ran out. */
  failed: number;
  deadLettered: number;
};

/** Counts what comes and fails in the broker of a stack, where it is kept: by triggers of its database. */
export function countMessages(dataDir: string) {
  const db = new DatabaseSync(join(dataDir, 'service-bus', 'messages.sqlite'), { timeout: 5_000 });
  const count = (event: keyof MessageCounts, on: string, when: string): string => `
    CREATE TRIGGER IF NOT EXISTS bench_${event} AFTER ${on} ON messages WHEN ${when} BEGIN
      INSERT INTO bench VALUES (NEW.entity, '${event}', 1)
      ON CONFLICT DO UPDATE SET count = count + 1;
    END;`;
  const isDeadLetter = "NEW.entity LIKE '%/$deadletterqueue'";
  db.exec(`
    CREATE TABLE IF NOT EXISTS bench (entity TEXT, event TEXT, count INTEGER, PRIMARY KEY (entity, event));
    ${count('scheduled', 'INSERT', "NEW.state = 'scheduled'")}
    ${count('atOnce', 'INSERT', `NEW.state = 'active' AND NEW.wasScheduled = 0 AND NOT ${isDeadLetter}`)}
    ${count('deadLettered', 'INSERT', isDeadLetter)}
    ${count('failed', 'UPDATE OF deliveryCount', 'NEW.deliveryCount > OLD.deliveryCount')}
  `);
  const all = db.prepare(
    'SELECT event, sum(count) AS count FROM bench WHERE entity IN (?, ?) GROUP BY event',
  );
  return {
    of(queue: string): MessageCounts {
      const counts: MessageCounts = { atOnce: 0, scheduled: 0, failed: 0, deadLettered: 0 };
      for (const row of all.all(queue, `${queue}/$deadletterqueue`)) {
        counts[row['event'] as keyof MessageCounts] = Number(row['count']);
      }
      return counts;
    },
    close: () => db.close(),
  };
}

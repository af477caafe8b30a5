import { expect, test } from 'vitest';
import { seed } from '../../helpers/size.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { randomNumbers } from '../../helpers/vectors.ts';
import { startStorageProcess, type StorageProcess } from './storageProcess.ts';

/** What a client of the storage knows: what was acknowledged, and what it does not know of because nobody answered. */
type Known = {
  blobs: Map<string, string | undefined>;
  rows: Map<string, number | undefined>;
  pairs: Map<string, number>;
  messages: Map<string, boolean>;
  unsure: Set<string>;
};

const workers = 12;

/** Writes, replaces and deletes until the storage is killed; each worker has names of its own. */
async function load(
  part: StorageProcess,
  known: Known,
  worker: number,
  { goOn, acknowledged }: { goOn: () => boolean; acknowledged: () => void },
): Promise<void> {
  const queue = part.queues.getQueueClient('work');
  for (let step = 0; goOn(); step += 1) {
    const name = `${worker}-${step % 4}`;
    const message = `${worker}-${known.messages.size}-${step}`;
    const kinds: [string, () => Promise<() => void>][] = [
      [
        `blob ${name}`,
        async () => {
          const blob = part.blobs.getContainerClient('enroll').getBlockBlobClient(name);
          if (known.blobs.get(name) !== undefined && step % 3 === 0) {
            await blob.delete();
            return () => known.blobs.set(name, undefined);
          }
          const { etag } =
            step % 2 === 0
              ? await blob.upload(name, name.length)
              : await blob.uploadData(Buffer.from(name), { blockSize: 2, maxSingleShotSize: 1 });
          return () => known.blobs.set(name, etag);
        },
      ],
      [
        `row ${name}`,
        async () => {
          if (known.rows.get(name) !== undefined && step % 5 === 0) {
            await part.table.deleteEntity('p', name);
            return () => known.rows.set(name, undefined);
          }
          await part.table.upsertEntity(
            { partitionKey: 'p', rowKey: name, value: step },
            step % 2 === 0 ? 'Replace' : 'Merge',
          );
          return () => known.rows.set(name, step);
        },
      ],
      [
        `pair ${name}`,
        async () => {
          const row = (half: string) => ({ partitionKey: 'q', rowKey: `${name}${half}`, value: step });
          await part.table.submitTransaction([
            ['upsert', row('a'), 'Replace'],
            ['upsert', row('b'), 'Merge'],
          ]);
          return () => known.pairs.set(name, step);
        },
      ],
      [
        `message ${message}`,
        async () => {
          const { messageId, popReceipt } = await queue.sendMessage(message);
          if (step % 2 === 0) {
            known.messages.set(message, true);
            await queue.deleteMessage(messageId, popReceipt);
            return () => known.messages.set(message, false);
          }
          return () => known.messages.set(message, true);
        },
      ],
    ];
    const [what, work] = kinds[step % kinds.length] ?? raise();
    try {
      (await work())();
      known.unsure.delete(what);
      acknowledged();
    } catch (error) {
      if (goOn()) throw error;
      // Killed before it answered: it may have happened or not.
      known.unsure.add(what);
    }
  }
}

function raise(): never {
  throw new Error('no such kind');
}

async function expectKept(part: StorageProcess, known: Known): Promise<void> {
  const container = part.blobs.getContainerClient('enroll');
  const blobs = new Map<string, string | undefined>();
  for await (const { name, properties } of container.listBlobsFlat()) {
    blobs.set(name, `"${properties.etag}"`);
    // Whatever is there is whole.
    expect((await container.getBlobClient(name).downloadToBuffer()).toString()).toBe(name);
  }
  for (const [name, etag] of known.blobs) {
    if (!known.unsure.has(`blob ${name}`)) expect([name, blobs.get(name)]).toEqual([name, etag]);
  }
  const rows = new Map<string, number>();
  const halves = new Map<string, number[]>();
  for await (const { partitionKey, rowKey = '', value } of part.table.listEntities<{ value: number }>()) {
    if (partitionKey === 'p') rows.set(rowKey, value);
    else halves.set(rowKey.slice(0, -1), [...(halves.get(rowKey.slice(0, -1)) ?? []), value]);
  }
  for (const [name, value] of known.rows) {
    if (!known.unsure.has(`row ${name}`)) expect([name, rows.get(name)]).toEqual([name, value]);
  }
  for (const [name, [a, b]] of halves) expect([name, a]).toEqual([name, b]);
  for (const [name, value] of known.pairs) {
    if (known.unsure.has(`pair ${name}`)) expect(halves.get(name)?.[0]).toBeGreaterThanOrEqual(0);
    else expect([name, halves.get(name)?.[0]]).toEqual([name, value]);
  }
  const queue = part.queues.getQueueClient('work');
  const messages = new Set<string>();
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({
      numberOfMessages: 32,
      visibilityTimeout: 1_000,
    });
    if (receivedMessageItems.length === 0) break;
    for (const { messageText } of receivedMessageItems) messages.add(messageText);
  }
  for (const [text, there] of known.messages) {
    if (!known.unsure.has(`message ${text}`)) expect([text, messages.has(text)]).toEqual([text, there]);
  }
  await queue.clearMessages();
}

test(
  'kills at random moments under load lose nothing, tear nothing and bring nothing back',
  { timeout: 1_800_000 },
  async () => {
    const folder = await temporaryFolder();
    const known: Known = {
      blobs: new Map(),
      rows: new Map(),
      pairs: new Map(),
      messages: new Map(),
      unsure: new Set(),
    };
    let messages = 0;
    const random = randomNumbers(seed);
    for (let round = 0; round < 20; round += 1) {
      const part = await startStorageProcess(folder.path);
      if (round === 0) await part.table.createTable();
      await part.queues.getQueueClient('work').createIfNotExists();
      await expectKept(part, known);
      known.messages.clear();
      known.unsure.clear();
      let alive = true;
      // Killed in the middle of its work, which is counted, so that the moment is any on any machine.
      const killed = Promise.withResolvers<void>();
      let left = 8 * workers + Math.floor(random() * 100);
      const acknowledged = (): void => {
        left -= 1;
        if (left !== 0) return;
        alive = false;
        part.kill().then(killed.resolve, killed.reject);
      };
      const loads = Array.from({ length: workers }, (_, worker) =>
        load(part, known, worker, { goOn: () => alive, acknowledged }),
      );
      await killed.promise;
      await Promise.all(loads);
      messages += known.messages.size;
    }
    const part = await startStorageProcess(folder.path);
    await expectKept(part, known);
    expect(Math.min(known.blobs.size, known.rows.size, known.pairs.size, messages)).toBeGreaterThan(10);
    await part.stop();
    await folder.remove();
  },
);

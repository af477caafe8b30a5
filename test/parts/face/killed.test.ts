import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FaceReady } from '../../../infra/local/face/service.ts';
import type { PartMessage } from '../../../infra/local/part.ts';
import { forkPart } from '../../../infra/local/supervisor.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { embeddingOf, picture } from './fakeVision.ts';
import { callsOf } from './harness.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
});

afterAll(() => folder.remove());

async function start() {
  const child = forkPart('test/parts/face/fakeProcess.ts', ['ignore', 'ignore', 'inherit', 'ipc']);
  child.send({ dataDir: folder.path });
  const [message] = (await once(child, 'message')) as [PartMessage<FaceReady>];
  if (message.type === 'failed') throw new Error(message.reason);
  const exited = once(child, 'exit');
  return {
    ...callsOf(message.ready),
    async kill(): Promise<void> {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** So many faces at least are added before each kill. */
const livesOfRound = 12;

type Life = { who: string; id: string; deleted: boolean };

/** Adds faces and deletes every second one, until the service is gone. Notes what was acknowledged only. */
async function live(face: Awaited<ReturnType<typeof start>>, prefix: string, lives: Life[]): Promise<void> {
  for (let number = 0; ; number += 1) {
    const who = `${prefix}-${number}`;
    try {
      const path = '/largefacelists/l/persistedfaces';
      const added = await face.ask<{ persistedFaceId: string }>('POST', path, picture(who));
      const life = { who, id: added.persistedFaceId, deleted: false };
      lives.push(life);
      if (number % 2 === 0) continue;
      await face.ask('DELETE', `${path}/${life.id}`);
      life.deleted = true;
    } catch {
      return;
    }
  }
}

test('no kill loses what was acknowledged, or keeps what was deleted', async () => {
  const lives: Life[] = [];
  let face = await start();
  await face.create('/largefacelists/l');
  for (let round = 0; round < 5; round += 1) {
    const callers = Array.from({ length: 4 }, (_, caller) => live(face, `${round}-${caller}`, lives));
    const before = lives.length;
    await eventually('the service is at work', () => lives.length >= before + livesOfRound);
    // Then at any moment of it.
    await sleep(Math.random() * 100);
    await face.kill();
    await Promise.all(callers);
    face = await start();

    const listed: string[] = [];
    for (;;) {
      const page = `/largefacelists/l/persistedfaces?start=${listed.at(-1) ?? ''}`;
      const faces = await face.ask<{ persistedFaceId: string }[]>('GET', page);
      if (faces.length === 0) break;
      listed.push(...faces.map(({ persistedFaceId }) => persistedFaceId));
    }
    // The last deletion of each caller may have happened without an answer.
    const lost = lives.filter(({ id, deleted }) => !deleted && !listed.includes(id));
    expect(lost.filter(({ who }) => !who.startsWith(`${round}-`))).toEqual([]);
    expect(lost.length).toBeLessThanOrEqual(4);
    for (const life of lost) life.deleted = true;
    const gone = lives.filter(({ deleted }) => deleted);
    expect(gone.filter(({ id }) => listed.includes(id))).toEqual([]);

    const disk = readdirSync(folder.path).map((file) => readFileSync(join(folder.path, file)));
    const onDisk = ({ who }: Life) => {
      const part = Buffer.from(embeddingOf(who).slice(100, 110).buffer);
      return disk.some((bytes) => bytes.includes(part));
    };
    expect(gone.filter(onDisk)).toEqual([]);
    expect(lives.filter((life) => !life.deleted).every(onDisk)).toBe(true);
  }
  await face.kill();
});

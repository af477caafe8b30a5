import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seed, sizeOf } from '../../helpers/size.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { randomNumbers } from '../../helpers/vectors.ts';
import { embeddingOf, picture } from './fakeVision.ts';
import { startFakeFaceProcess } from './harness.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
});

afterAll(() => folder.remove());

type Life = { who: string; id: string; deleted: boolean };

/** Adds faces and deletes every second one, until the service is gone. Notes what was acknowledged only. */
async function live(
  face: Awaited<ReturnType<typeof startFakeFaceProcess>>,
  prefix: string,
  lives: Life[],
  acknowledged: () => void,
): Promise<void> {
  for (let number = 0; ; number += 1) {
    const who = `${prefix}-${number}`;
    try {
      const path = '/largefacelists/l/persistedfaces';
      const added = await face.ask<{ persistedFaceId: string }>('POST', path, picture(who));
      const life = { who, id: added.persistedFaceId, deleted: false };
      lives.push(life);
      acknowledged();
      if (number % 2 === 0) continue;
      await face.ask('DELETE', `${path}/${life.id}`);
      life.deleted = true;
      acknowledged();
    } catch {
      return;
    }
  }
}

test('no kill loses what was acknowledged, or keeps what was deleted', { timeout: 1_800_000 }, async () => {
  const lives: Life[] = [];
  const random = randomNumbers(seed);
  const start = () => startFakeFaceProcess({ dataDir: folder.path });
  let face = await start();
  await face.create('/largefacelists/l');
  for (let round = 0; round < sizeOf({ quick: 1, full: 40 }); round += 1) {
    // Killed in the middle of its work, which is counted, so that the moment is any on any machine.
    const killed = Promise.withResolvers<void>();
    let left = 20 + Math.floor(random() * 60);
    const acknowledged = (): void => {
      left -= 1;
      if (left === 0) face.kill().then(killed.resolve, killed.reject);
    };
    const callers = Array.from({ length: 4 }, (_, caller) =>
      live(face, `${round}-${caller}`, lives, acknowledged),
    );
    await killed.promise;
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

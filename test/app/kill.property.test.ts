import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { franck, portrait } from '../helpers/pictures.ts';
import { isSoak, seed, sizeOf } from '../helpers/size.ts';
import { startTestStack, type ImageView, type TestStack } from '../helpers/stack.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/*
 * A part, or the whole stack, dies in the middle of an import: in the end every picture is explained, has exactly one
 * face in Face or its refusal, and is covered by a training.
 */

const refusedFile = 'ironman.jpg';
const imported: [person: string, file: string][] = [
  ...franck.slice(0, sizeOf({ quick: 3, full: 11 })).map((file): [string, string] => ['franck', file]),
  ['justin', 'Justin-Bieber2_crop.jpg'],
  ['nicolas', 'cage.jpg'],
  ['nobody', refusedFile],
];
const enrolled = imported.length - 1;
/** Each part dies so often. */
const rounds = sizeOf({ quick: 1, full: 3 });

describe.each(isSoak ? [1, 4] : [1])('with %d instance(s) of the Functions host', (instances) => {
  const parts = ['face', 'service-bus', 'storage', instances === 1 ? 'functions-host' : 'functions-host-2'];
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let stack: TestStack;
  let imports = 0;

  const start = () =>
    startTestStack({
      dataDir: folder.path,
      faceTps: 20,
      instances,
      settings: { FACE_TIMEOUT_SECONDS: '5' },
    });

  beforeAll(async () => {
    folder = await temporaryFolder();
    stack = await start();
  });

  afterAll(async () => {
    await stack.close();
    await folder.remove();
  });

  /** Drops pictures into a fresh group, and kills when the seed says that so many of them have been looked at. */
  async function importAndKill(kill: () => void): Promise<string> {
    imports += 1;
    const group = `import-${imports}`;
    const dropping = Promise.all(
      imported.map(([person, file]) =>
        // The storage may be the part that is killed: a drop that was not acknowledged is dropped again.
        eventually(`${file} is dropped`, () =>
          stack.drop(`enroll/${group}/${person}/${file}`, portrait(file)),
        ),
      ),
    );
    const killedAfter = 1 + ((seed + imports) % (imported.length - 2));
    await eventually('some pictures have been looked at', async () => {
      const { detected = 0, enrolled: done = 0, rejected = 0 } = (await stack.group(group)).images;
      return detected + done + rejected >= killedAfter;
    });
    kill();
    await dropping;
    return group;
  }

  async function expectWhole(group: string): Promise<void> {
    await eventually(
      'every picture is explained',
      async () => {
        const { images } = await stack.group(group);
        return images['enrolled'] === enrolled && images['rejected'] === 1;
      },
      240_000,
    );
    const { images } = await stack.covered(group);
    expect(images).toEqual({ received: 0, detected: 0, enrolled, rejected: 1, failed: 0, removed: 0 });
    const { items } = await stack.get<{ items: ImageView[] }>(`groups/${group}/images?top=1000`);
    const named = items.flatMap(({ persistedFaceId }) => persistedFaceId ?? []);
    await eventually('Face holds the faces of the rows, and no others', async () => {
      const held = (await stack.faceOf(group)).flatMap(({ persistedFaceIds }) => persistedFaceIds);
      return held.toSorted().join() === named.toSorted().join();
    });
    await eventually('a known person is recognised', async () => {
      const { body } = await stack.postPicture(`groups/${group}/identify`, portrait('bieber_small.jpg'));
      const { faces } = body as { faces: { candidates: { person: string }[] }[] };
      return faces[0]?.candidates[0]?.person === 'justin';
    });
  }

  test.each(Array.from({ length: rounds }, (_, round) => round + 1))(
    'each part is killed in the middle of an import: round %d',
    async (round) => {
      const groups: string[] = [];
      for (const part of parts) {
        const killed = stack.stack.processes()[part];
        if (killed === undefined) throw new Error(`${part} does not run`);
        groups.push(await importAndKill(() => process.kill(killed, 'SIGKILL')));
        const startedAgain = (before: number) =>
          eventually(`${part} is started again`, () => {
            const pid = stack.stack.processes()[part];
            return pid !== before && pid;
          });
        const starting = await startedAgain(killed);
        // One that dies while it starts again is started once more. Not each time: a part that dies more than five
        // times within a minute is given up, and a quick machine makes three rounds within one.
        if (round > 1 || !isSoak) continue;
        process.kill(starting, 'SIGKILL');
        await startedAgain(starting);
      }
      for (const group of groups) await expectWhole(group);
      for (const part of parts) {
        // Windows tells no signal of a process that another one ended.
        const ended = new RegExp(`^\\[${part}\\] ended with (SIGKILL|exit code 1);`);
        expect(stack.log().some((line) => ended.test(line))).toBe(true);
      }
    },
    600_000,
  );

  test('the whole stack is killed in the middle of an import', async () => {
    const group = await importAndKill(() => stack.stack.kill());
    stack = await start();
    await expectWhole(group);
  });
});

import { afterEach, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { franck, groupPicture, portrait } from '../helpers/pictures.ts';
import { startTestStack, type ImageView, type TestStack } from '../helpers/stack.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

let stack: TestStack;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

afterEach(async () => {
  await stack.close();
  await folder.remove();
});

const pictures: [path: string, bytes: Buffer][] = [
  ...franck.map((file): [string, Buffer] => [`enroll/people/franck/${file}`, portrait(file)]),
  ['enroll/people/justin/1.jpg', portrait('Justin-Bieber2_crop.jpg')],
  ['enroll/people/nicolas/1.jpg', portrait('cage.jpg')],
  ['enroll/people/nicolas/2.jpg', portrait('cage2_crop.jpg')],
  ['enroll/people/sean/1.jpg', portrait('SeanConnery.jpg')],
  ['enroll/people/audrey/1.jpg', portrait('audrey.jpg')],
  ['enroll/people/nobody/1.jpg', portrait('ironman.jpg')],
  ['enroll/people/crowd/1.jpg', groupPicture(1)],
];
const refused = 2;

async function drop([path, bytes]: [string, Buffer]): Promise<void> {
  // The storage may be the part that is killed: a drop that was not acknowledged is dropped again.
  await eventually(`${path} is dropped`, () => stack.drop(path, bytes));
}

/** The ledger adds up, each picture has exactly one face in Face, and everything is trained. */
async function expectWhole(): Promise<void> {
  const total = pictures.length;
  await eventually(
    'the ledger adds up',
    async () => {
      const { images } = await stack.group('people');
      return images['enrolled'] === total - refused && images['rejected'] === refused;
    },
    150_000,
  );
  const view = await stack.covered('people');
  expect(view.images).toEqual({
    received: 0,
    detected: 0,
    enrolled: total - refused,
    rejected: refused,
    failed: 0,
    removed: 0,
  });
  const { items } = await stack.get<{ items: ImageView[] }>('groups/people/images?top=1000');
  const named = items.flatMap(({ persistedFaceId }) => persistedFaceId ?? []);
  await eventually('Face holds the faces of the ledger, and no others', async () => {
    const held = (await stack.faceOf('people')).flatMap(({ persistedFaceIds }) => persistedFaceIds);
    return held.toSorted().join() === named.toSorted().join();
  });
  const answer = await stack.postPicture('groups/people/identify', portrait('bieber_small.jpg'));
  expect(answer.body).toMatchObject({ faces: [{ candidates: [{ person: 'justin' }] }] });
}

async function startDropping(): Promise<Promise<unknown>> {
  const dropping = Promise.all(pictures.map(drop));
  await eventually('some pictures are on their way', async () => {
    const { images } = await stack.group('people');
    return (images['detected'] ?? 0) + (images['enrolled'] ?? 0) >= 3;
  });
  return dropping;
}

/** Each part, under one instance of the Functions host and under four. */
const kills = [
  { part: 'functions-host', instances: 1 },
  { part: 'functions-host-2', instances: 4 },
  ...['face', 'service-bus', 'storage'].flatMap((part) => [
    { part, instances: 1 },
    { part, instances: 4 },
  ]),
];

for (const { part, instances } of kills) {
  test(`${part} of ${instances} is killed in the middle of an import`, { timeout: 240_000 }, async () => {
    folder = await temporaryFolder();
    stack = await startTestStack({
      dataDir: folder.path,
      faceTps: 20,
      instances,
      settings: { FACE_TIMEOUT_SECONDS: '3' },
    });
    const dropping = await startDropping();
    const pid = stack.stack.processes()[part];
    if (pid === undefined) throw new Error(`${part} does not run`);
    process.kill(pid, 'SIGKILL');
    // Windows tells no signal of a process that another one ended.
    const killed = new RegExp(`^\\[${part}\\] ended with (SIGKILL|exit code 1);`);
    await dropping;
    await expectWhole();
    expect(stack.log().some((line) => killed.test(line))).toBe(true);
  });
}

test.each([1, 4])(
  'the whole stack of %d is killed in the middle of an import',
  { timeout: 240_000 },
  async (instances) => {
    folder = await temporaryFolder();
    const options = { dataDir: folder.path, faceTps: 20, instances, settings: { FACE_TIMEOUT_SECONDS: '3' } };
    stack = await startTestStack(options);
    const acknowledged: [string, Buffer][] = [];
    const dropping = pictures.map(async (picture) => {
      await stack.drop(...picture);
      acknowledged.push(picture);
    });
    await Promise.all(dropping);
    await eventually('some pictures are on their way', async () => {
      const { images } = await stack.group('people');
      return (images['detected'] ?? 0) + (images['enrolled'] ?? 0) >= 3;
    });
    stack.stack.kill();
    expect(acknowledged).toHaveLength(pictures.length);
    stack = await startTestStack(options);
    await expectWhole();
  },
);

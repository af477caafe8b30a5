import { setTimeout as sleep } from 'node:timers/promises';
import { TableClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tables } from '../../shared/config/resources.ts';
import { eventually } from '../helpers/eventually.ts';
import { franck, portrait } from '../helpers/pictures.ts';
import { sizeOf } from '../helpers/size.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

/* What a stack of its own is needed for: events that are lost, and calls to Face that are counted. */

/** In the soak tests without a pause. */
const betweenAsksMs = sizeOf({ quick: 200, full: 0 });

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({ settings: { SWEEP_GRACE_SECONDS: '0' } });
});

afterAll(() => stack.close());

/** Two callers who ask again and again who is on a picture and whether it is this person; each answer must say so. */
function askAllTheTime(group: string, person: string, probe: Buffer) {
  const end = new AbortController();
  let asked = 0;
  const ask = async (path: string, isNamed: (faces: Face[]) => boolean): Promise<void> => {
    while (!end.signal.aborted) {
      const { status, body } = await stack.postPicture(path, probe);
      expect({ status, body }).toMatchObject({ status: 200 });
      expect((body as { faces: Face[] }).faces, path).toSatisfy(isNamed);
      asked += 1;
      await sleep(betweenAsksMs);
    }
  };
  const asking = Promise.all([
    ask(`groups/${group}/identify`, ([face]) => face?.candidates?.[0]?.person === person),
    ask(`groups/${group}/verify?person=${person}`, ([face]) => face?.isIdentical === true),
  ]);
  // Its failure is heard at the end.
  asking.catch(() => undefined);
  return {
    async end(): Promise<number> {
      end.abort();
      await asking;
      return asked;
    },
  };
}

type Face = { candidates?: { person: string }[]; isIdentical?: boolean };

/** What the pipeline does with an ETag that it has not seen yet shows in its row only. */
async function takenNotice(path: string): Promise<void> {
  const { storageConnectionString } = stack.stack.endpoints;
  const slash = path.indexOf('/');
  const blob = BlobServiceClient.fromConnectionString(storageConnectionString)
    .getContainerClient(path.slice(0, slash))
    .getBlobClient(path.slice(slash + 1));
  const rows = TableClient.fromConnectionString(storageConnectionString, tables.images, {
    allowInsecureConnection: true,
  });
  const { etag = 'none' } = await blob.getProperties();
  await eventually(`${path} has been looked at`, async () => {
    for await (const row of rows.listEntities()) {
      if (JSON.stringify(Object.values(row)).replaceAll('\\', '').includes(etag)) return true;
    }
    return false;
  });
}

test('equal bytes written again, by every way there is, cost no call, and their person is named all along', async () => {
  const [first = '', second = '', probe = ''] = franck;
  const path = `enroll/again/franck/${first}`;
  await stack.drop(path, portrait(first));
  await stack.drop(`enroll/again/franck/${second}`, portrait(second));
  await stack.covered('again');
  await stack.settled(path, 'enrolled');
  await stack.settled(`enroll/again/franck/${second}`, 'enrolled');
  await stack.covered('again');
  const before = await stack.image(path);
  const calls = (await stack.calls()).byOperation;
  const asking = askAllTheTime('again', 'franck', portrait(probe));
  const blobs = BlobServiceClient.fromConnectionString(stack.stack.endpoints.storageConnectionString);
  const blob = blobs.getContainerClient('enroll').getBlobClient(`again/franck/${first}`);
  const copy = blobs.getContainerClient('enroll').getBlobClient('again/franck/copy.jpg');
  const ways: (() => Promise<unknown>)[] = [
    () => stack.drop(path, portrait(first)),
    () => blob.setMetadata({ seen: 'yes' }),
    () => blob.setHTTPHeaders({ blobContentType: 'image/jpeg' }),
    async () => (await blob.beginCopyFromURL(blob.url)).pollUntilDone(),
    () =>
      stack.api(`groups/again/persons/franck/images/${first}`, {
        method: 'PUT',
        headers: { 'content-type': 'image/jpeg' },
        body: new Uint8Array(portrait(first)),
      }),
  ];
  for (const write of ways) {
    await write();
    await takenNotice(path);
  }
  const asked = await asking.end();
  const after = (await stack.calls()).byOperation;
  expect(after['detect']).toBe((calls['detect'] ?? 0) + asked);
  for (const operation of ['addFace', 'deleteFace', 'train'])
    expect(after[operation] ?? 0, operation).toBe(calls[operation] ?? 0);
  expect(await stack.image(path)).toEqual(before);
  // At another path it is another picture.
  await (await copy.beginCopyFromURL(blob.url)).pollUntilDone();
  await stack.settled('enroll/again/franck/copy.jpg', 'enrolled');
});

test('while other bytes are on their way, the earlier face answers', async () => {
  const [first = '', second = '', probe = ''] = franck;
  const path = 'enroll/changed/franck/1.jpg';
  await stack.drop(path, portrait(first));
  await stack.settled(path, 'enrolled');
  await stack.covered('changed');
  const asking = askAllTheTime('changed', 'franck', portrait(probe));
  for (const file of [second, first]) {
    const before = await stack.image(path);
    await stack.drop(path, portrait(file));
    await eventually('the new face stands', async () => {
      const { state, persistedFaceId } = (await stack.image(path)) ?? {};
      return state === 'enrolled' && persistedFaceId !== before?.persistedFaceId;
    });
    await stack.covered('changed');
  }
  expect(await asking.end()).toBeGreaterThan(0);
  expect((await stack.faceOf('changed')).flatMap(({ persistedFaceIds }) => persistedFaceIds)).toHaveLength(1);
});

/** Event Grid is told that nobody subscribes: as if it had lost every event. */
function loseEvents(): void {
  stack.stack.tell('storage', {
    type: 'subscribe',
    hostUrl: stack.http,
    keys: { created: '', deleted: '' },
    subscriptions: [],
  });
}

test('pictures whose events never came are found, those written and those deleted', async () => {
  await stack.drop('enroll/silent/audrey/1.jpg', portrait('audrey.jpg'));
  await stack.settled('enroll/silent/audrey/1.jpg', 'enrolled');
  loseEvents();
  await stack.drop('enroll/silent/nicolas/1.jpg', portrait('cage.jpg'));
  await stack.drop('identify/silent/who.jpg', portrait('audrey_crop.jpg'));
  await stack.remove('enroll/silent/audrey/1.jpg');
  await stack.settled('enroll/silent/nicolas/1.jpg', 'enrolled');
  await stack.settled('identify/silent/who.jpg', 'identified');
  await stack.settled('enroll/silent/audrey/1.jpg', 'removed');
  await eventually('her face is gone from Face', async () => {
    const persons = await stack.faceOf('silent');
    return persons.flatMap(({ persistedFaceIds }) => persistedFaceIds).length === 1;
  });
});

test('what the trigger gave up on becomes a failed picture with its reason', async () => {
  const { storageConnectionString } = stack.stack.endpoints;
  const queue = QueueServiceClient.fromConnectionString(storageConnectionString).getQueueClient(
    'webjobs-blobtrigger-poison',
  );
  loseEvents();
  await stack.drop('enroll/poison/p/1.jpg', portrait('queen20_crop.jpg'));
  const message = { Type: 'BlobTrigger', ContainerName: 'enroll', BlobName: 'poison/p/1.jpg' };
  await queue.sendMessage(Buffer.from(JSON.stringify(message)).toString('base64'));
  await queue.sendMessage('what is this?');
  await eventually('the poison queue is empty', async () => {
    const { approximateMessagesCount } = await queue.getProperties();
    return approximateMessagesCount === 0;
  });
  // Failed by the poison message, or enrolled by the resync that found it first: explained in either case.
  const image = await stack.settled('enroll/poison/p/1.jpg', 'failed', 'enrolled');
  if (image.state === 'failed') expect(image.reason).toBe('too_many_attempts');
});

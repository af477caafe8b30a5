import fc from 'fast-check';
import { expect, test } from 'vitest';
import { faceKeyOf, personKeyOf } from '../../../shared/records/keys.ts';
import { isCovered } from '../../../shared/training/machine.ts';
import { etagOf } from '../../helpers/memoryStorage.ts';
import { World, type CallFault, type StorageFault } from './world.ts';

const paths = ['enroll/g/ann/1.bmp', 'enroll/g/ann/2.bmp', 'enroll/g/bob/1.bmp'] as const;
type Path = (typeof paths)[number];

type Command =
  | { do: 'drop'; path: Path; hasFace: boolean; announced: boolean }
  | { do: 'delete'; path: Path; announced: boolean }
  | { do: 'announce'; path: Path }
  | { do: 'forget'; person: 'ann' | 'bob' | undefined }
  | { do: 'deliver'; times: number }
  | { do: 'deliver twice' }
  | { do: 'die'; afterWrites: number; before: boolean }
  | { do: 'fault'; fault: CallFault }
  | { do: 'storage fault'; fault: StorageFault; after: number }
  | { do: 'lose the lock'; afterEffects: number }
  | { do: 'go on' }
  | { do: 'pass'; ms: number }
  | { do: 'sweep' };

const path = fc.constantFrom(...paths);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('drop' as const),
      path,
      hasFace: fc.boolean(),
      announced: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), path, announced: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('announce' as const), path }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('forget' as const),
      person: fc.constantFrom('ann' as const, 'bob' as const, undefined),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('deliver' as const), times: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.constant<Command>({ do: 'deliver twice' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('die' as const),
      afterWrites: fc.integer({ min: 0, max: 12 }),
      before: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      fault: fc.constantFrom<CallFault>('call lost', 'answer lost', 'lands late', 'refused', 'failed'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('storage fault' as const),
      fault: fc.constantFrom<StorageFault>('call lost', 'answer lost', 'sent twice'),
      after: fc.integer({ min: 0, max: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('lose the lock' as const),
      afterEffects: fc.integer({ min: 1, max: 24 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant<Command>({ do: 'go on' }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 60_000 }) }),
  },
  { weight: 1, arbitrary: fc.constant<Command>({ do: 'sweep' }) },
);

async function carryOut(world: World, step: Command): Promise<void> {
  switch (step.do) {
    case 'drop':
      world.drop(step.path, step.hasFace);
      if (step.announced) await world.announce(step.path);
      return;
    case 'delete':
      world.blobs.delete(step.path);
      if (step.announced) await world.announce(step.path);
      return;
    case 'announce':
      return world.announce(step.path);
    case 'forget':
      await forget(world, step.person);
      return;
    case 'deliver':
      for (let time = 0; time < step.times; time += 1) await world.deliver();
      return;
    case 'deliver twice':
      await world.deliver({ again: true });
      return;
    case 'die':
      world.diesAt = 2 * (world.writes + step.afterWrites) + (step.before ? 1 : 2);
      return;
    case 'fault':
      world.faults.push(step.fault);
      return;
    case 'storage fault':
      world.faultAfter(step.after, step.fault);
      return;
    case 'lose the lock':
      world.stallsAt = world.effects + step.afterEffects;
      return;
    case 'go on':
      return world.resume();
    case 'pass':
      world.pass(step.ms);
      return;
    case 'sweep':
      return world.sweep();
  }
}

/** From the answer on nobody is named, and everything that was dropped before goes. */
async function forget(world: World, person: 'ann' | 'bob' | undefined): Promise<void> {
  const before = [...world.blobs].filter(([image]) => image.startsWith(`enroll/g/${person ?? ''}`));
  if (!(await world.forget('g', person))) return;
  for (const [image, blob] of before) world.forgotten.push({ path: image, etag: etagOf(blob) });
  const group = await world.app.groups.get('g');
  if (person === undefined) expect(group).toBeUndefined();
  else if (group !== undefined)
    expect(await world.app.ledger.person(group, personKeyOf('g', person))).toBeUndefined();
}

/** The model: what lies in the container now decides, whatever has happened. */
async function expectWhole(world: World): Promise<void> {
  const enrolled = [...world.blobs].filter(([, { bytes }]) => bytes.at(-1) === 1);
  const wanted = enrolled.map(([image, blob]) => faceKeyOf(image, etagOf(blob))).toSorted();
  expect(world.facesOf('g')).toEqual(wanted);
  expect(world.trainedOf('g')).toEqual(wanted);
  const { images, persons } = await world.app.ledger.counts('g');
  const { items } = await world.app.ledger.listPictures('g', { top: 100 });
  for (const gone of world.forgotten) {
    expect(world.blobs.get(gone.path)?.etag).not.toBe(gone.etag);
    expect(items.map(({ version }) => version)).not.toContain(gone.etag);
  }
  const group = await world.app.groups.row('g');
  // A candidate of Face is named only as the person that its row knows.
  for (const { state, person, persisted } of items) {
    if (state !== 'enrolled' || group === undefined) continue;
    const known = await world.app.ledger.person(group, personKeyOf('g', person ?? ''));
    expect(persisted?.personId).toBe(known?.personId);
    expect((await world.app.groups.personOfFace('g', persisted?.personId ?? ''))?.person).toBe(person);
  }
  const listed = group && (await world.app.ledger.listPersons(group, { top: 10 }));
  expect(persons).toBe(listed?.items.length ?? 0);
  expect(await world.app.erasures.listOpen(10)).toEqual([]);
  expect(images).toMatchObject({
    received: 0,
    detected: 0,
    enrolled: enrolled.length,
    rejected: world.blobs.size - enrolled.length,
    failed: 0,
    removed: items.length - world.blobs.size,
  });
  const training = await world.app.trainings.get('g');
  expect(training === undefined || isCovered(training)).toBe(true);
  expect(world.deadLetters).toEqual([]);
}

/** `HISTORIES=100000 npx vitest run test/unit/histories` for a longer search. */
const histories = Number(process.env['HISTORIES'] ?? 10_000);

test(
  'whatever happens, Face holds one face of each picture in the end, and all is trained',
  { timeout: 900_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 4, maxLength: 24 }), async (steps) => {
        const world = new World();
        for (const step of steps) await carryOut(world, step);
        await world.settle();
        await expectWhole(world);
      }),
      { numRuns: histories, timeout: 20_000 },
    );
  },
);

/**
 * Two persons; a picture written again while it is worked on, one without a face, one deleted; then a person is
 * deleted and comes back, and the group. All is whole whenever it has come to rest.
 */
async function story(world: World): Promise<void> {
  const [first, second, third] = paths;
  world.drop(first, true);
  await world.announce(first);
  world.drop(second, true);
  await world.announce(second);
  await world.deliver();
  world.drop(first, true);
  await world.announce(first);
  world.drop(third, false);
  await world.announce(third);
  await world.settle(2);
  world.drop(third, true);
  await world.announce(third);
  world.blobs.delete(second);
  await world.announce(second);
  await world.settle(2);
  for (const person of ['ann', undefined] as const) {
    await forget(world, person);
    await world.deliver();
    world.pass(2_000);
    world.drop(second, true);
    await world.announce(second);
    await world.settle();
    await expectWhole(world);
  }
}

/** Tells the story once for each point from 1 on at which something can happen. */
async function storyWith(what: string, points: number, happen: (world: World, point: number) => void) {
  for (let point = 1; point <= points; point += 1) {
    const world = new World();
    happen(world, point);
    await story(world).catch((error: unknown) => {
      throw new Error(`${what} at ${point} of ${points}`, { cause: error });
    });
  }
}

test('the process may die before and after each of its writes', { timeout: 300_000 }, async () => {
  const counting = new World();
  await story(counting);
  expect(counting.writes).toBeGreaterThan(60);
  await storyWith('it died', 2 * counting.writes, (world, point) => (world.diesAt = point));
});

test(
  'the lock may be lost before each read and write, and the function that lost it go on',
  { timeout: 300_000 },
  async () => {
    const counting = new World();
    await story(counting);
    expect(counting.effects).toBeGreaterThan(300);
    await storyWith('it stalled', counting.effects, (world, point) => (world.stallsAt = point));
  },
);

async function enrollAnn(world: World): Promise<void> {
  world.drop(paths[0], true);
  await world.announce(paths[0]);
  await world.settle(2);
}

test('deletions that are asked for at once are one, and end as one', async () => {
  const world = new World();
  await enrollAnn(world);
  const ann = personKeyOf('g', 'ann');
  const { app } = world;
  for (const forgetAnn of [() => app.deletePerson('g', ann), () => app.deleteGroup('g')]) {
    const asked = await Promise.all([forgetAnn(), forgetAnn(), forgetAnn()]);
    expect(new Set(asked.map(({ id }) => id)).size).toBe(1);
    expect((await app.erasures.listOpen(10)).map(({ id }) => id)).toEqual([asked[0]?.id]);
    await world.settle();
    expect(await app.erasures.get(asked[0]?.id ?? '')).toMatchObject({ erased: { blobs: 1 } });
    await expectWhole(world);
    await enrollAnn(world);
  }
});

test('a deletion that is asked for again takes what was written since', async () => {
  const world = new World();
  await enrollAnn(world);
  for (const person of ['ann', undefined] as const) {
    await forget(world, person);
    await world.deliver();
    world.pass(2_000);
    // Nobody tells of it: the person does not come back with it.
    world.drop(paths[1], true);
    world.pass(2_000);
    await forget(world, person);
    await world.settle();
    expect([...world.blobs.keys()]).toEqual([]);
    await expectWhole(world);
    await enrollAnn(world);
  }
});

test('who asks for a deletion when nothing is there is told so, and ends nothing', async () => {
  const world = new World();
  await enrollAnn(world);
  for (const person of ['ann', undefined] as const) {
    await forget(world, person);
    await world.settle();
    world.pass(2_000);
    world.drop(paths[0], true);
    expect(await world.forget('g', person)).toBe(false);
    await world.announce(paths[0]);
    await world.settle();
    expect(world.facesOf('g')).toHaveLength(1);
    await expectWhole(world);
  }
});

test('the pictures of a person are added in the order in which they came', async () => {
  const world = new World();
  const images = ['c', 'a', 'b'].map((name) => `enroll/g/ann/${name}.bmp`);
  for (const image of images) {
    world.drop(image, true);
    await world.announce(image);
    world.pass(1);
  }
  await world.settle();
  expect(world.facesOf('g')).toHaveLength(images.length);
  expect(world.addedInOrder).toEqual(
    images.map((image) => faceKeyOf(image, world.blobs.get(image)?.etag ?? '')),
  );
});

test('an add that lands after its picture was written again leaves no face', async () => {
  const world = new World();
  const [image] = paths;
  world.drop(image, true);
  await world.announce(image);
  await world.settle();
  world.drop(image, true);
  await world.announce(image);
  world.faults.push('lands late');
  await world.deliver();
  expect(world.faults).toEqual([]);
  world.drop(image, true);
  await world.announce(image);
  await world.settle();
  await expectWhole(world);
});

test('a person whose creation was not answered is in Face for a day at most', async () => {
  const world = new World();
  world.faultsOf['createPerson'] = ['answer lost', 'lands late'];
  world.drop(paths[0], true);
  await world.announce(paths[0]);
  await world.settle(2);
  expect(world.personsOf('g')).toBe(3);
  await expectWhole(world);
  world.pass(86_400_000);
  await world.settle();
  expect(world.personsOf('g')).toBe(1);
  await expectWhole(world);
});

test('a probe is deleted when it has been kept long enough, and a picture to enroll is not', async () => {
  const world = new World();
  world.drop('identify/g/probe.bmp', false);
  world.drop(paths[0], true);
  await world.announce('identify/g/probe.bmp');
  await world.announce(paths[0]);
  await world.settle();
  expect([...world.blobs.keys()]).toEqual(['identify/g/probe.bmp', paths[0]]);
  world.pass(7 * 86_400_000);
  await world.settle();
  expect([...world.blobs.keys()]).toEqual([paths[0]]);
  expect((await world.app.ledger.counts('g')).probes).toMatchObject({ removed: 1, identified: 0 });
});

test('all faces of a group are removed while they are added', { timeout: 60_000 }, async () => {
  const world = new World();
  for (const image of paths) {
    world.drop(image, true);
    await world.announce(image);
  }
  await world.deliver();
  for (const image of paths) {
    world.blobs.delete(image);
    await world.announce(image);
  }
  await world.settle();
  await expectWhole(world);
  expect(world.facesOf('g')).toEqual([]);
});

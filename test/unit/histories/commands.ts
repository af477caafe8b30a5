import fc from 'fast-check';
import { expect } from 'vitest';
import type { GroupSettings } from '../../../shared/enrollment/groups.ts';
import { faceKeyOf, personKeyOf } from '../../../shared/records/keys.ts';
import { placeOf } from '../../../shared/images/imagePath.ts';
import { contentOf } from '../../../shared/records/image.ts';
import { isCovered } from '../../../shared/training/machine.ts';
import { etagOf } from '../../helpers/memoryStorage.ts';
import type { CallFault, Faces, StorageFault, World } from './world.ts';

export const paths = ['enroll/g/ann/1.bmp', 'enroll/g/ann/2.bmp', 'enroll/g/bob/1.bmp'] as const;
type Path = (typeof paths)[number];

export type Command =
  | { do: 'drop'; path: Path; faces: Faces; variant: number | undefined; announced: boolean }
  | { do: 'touch'; path: Path; announced: boolean }
  | { do: 'copy'; path: Path; to: Path; announced: boolean }
  | { do: 'delete'; path: Path; announced: boolean }
  | { do: 'announce'; path: Path }
  | { do: 'forget'; person: 'ann' | 'bob' | undefined }
  | { do: 'put'; settings: Pick<GroupSettings, 'minQuality' | 'severalFaces'> }
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
export const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('drop' as const),
      path,
      faces: fc.constantFrom<Faces>(false, true, 'two'),
      // Bytes that may have lain there before, or new ones.
      variant: fc.option(fc.nat(1), { nil: undefined }),
      announced: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('touch' as const), path, announced: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('copy' as const), path, to: path, announced: fc.boolean() }),
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
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      settings: fc.record({
        // With `none` and `reject`, Face finds out how many faces there are when one is added.
        minQuality: fc.constantFrom('none' as const, 'high' as const),
        severalFaces: fc.constantFrom('reject' as const, 'largest' as const),
      }),
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

export async function carryOut(world: World, step: Command): Promise<void> {
  switch (step.do) {
    case 'drop':
      world.drop(step.path, step.faces, step.variant);
      if (step.announced) await world.announce(step.path);
      return;
    case 'touch':
      await copy(world, step.path);
      if (step.announced) await world.announce(step.path);
      return;
    case 'copy':
      await copy(world, step.path, step.to);
      if (step.announced) await world.announce(step.to);
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
    case 'put':
      return world.put('g', step.settings);
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
export async function forget(world: World, person: 'ann' | 'bob' | undefined): Promise<void> {
  const before = [...world.blobs].filter(([image]) => image.startsWith(`enroll/g/${person ?? ''}`));
  if (!(await world.forget('g', person))) return;
  for (const [image, blob] of before) {
    const picture = await world.app.imageRecords.get(placeOf(image).ref);
    const isRecorded = picture?.content === contentOf(blob.bytes);
    world.forgotten.push({ path: image, etag: etagOf(blob), person, isRecorded });
  }
  const group = await world.app.groups.get('g');
  if (person === undefined) expect(group).toBeUndefined();
  else if (group !== undefined)
    expect(await world.app.imageRecords.person(group, personKeyOf('g', person))).toBeUndefined();
}

/** Touches a blob, or copies it: what goes with a deletion that is not over does not come back by that. */
export async function copy(world: World, from: string, to = from): Promise<void> {
  const blob = world.blobs.get(from);
  if (blob === undefined) return;
  const gone = world.forgotten.filter((one) => one.path === from && one.etag === etagOf(blob));
  world.copy(from, to);
  const etag = world.blobs.get(to)?.etag ?? '';
  // Looking is no part of the history.
  const { effects } = world;
  const open = await world.app.erasures.listOpen(10);
  world.effects = effects;
  for (const one of gone) {
    const key = one.person && personKeyOf('g', one.person);
    const isOpen = open.some(({ person }) => person === key);
    if (isOpen && one.isRecorded && to.startsWith(`enroll/g/${one.person ?? ''}`))
      world.forgotten.push({ ...one, path: to, etag });
  }
}

/** At every moment: a person is named as long as a face of one of their pictures stands in Face, and only then. */
export async function expectKnown(world: World): Promise<void> {
  // Looking is no part of the history.
  const { effects } = world;
  const { groups, imageRecords } = world.app;
  const group = await groups.get('g');
  if (group !== undefined) {
    const held = [...(world.faceGroups.get('g')?.persons.values() ?? [])].flatMap(({ faces }) => [
      ...faces.keys(),
    ]);
    const { items } = await imageRecords.listImages('g', { top: 100 });
    for (const { state, faceRectangle } of items)
      if (state === 'received') expect(faceRectangle).toBeUndefined();
    const { items: persons } = await imageRecords.listPersons(group, { top: 10 });
    for (const { person, generation, faces } of persons) {
      const naming = items.filter(
        (picture) => picture.person === person && picture.generation === generation && picture.persisted,
      );
      expect(faces).toBe(naming.length);
      for (const { persisted, state } of naming) {
        expect(held).toContain(persisted?.faceId);
        expect(['received', 'detected', 'enrolled', 'failed']).toContain(state);
      }
    }
  }
  world.effects = effects;
}

/** The model: what lies in the container now decides, whatever has happened. */
export async function expectWhole(world: World): Promise<void> {
  const group = await world.app.groups.row('g');
  const page = await world.app.imageRecords.listImages('g', { top: 100 });
  const items = page.items.filter(({ image }) => image.startsWith('enroll/'));
  const dropped = [...world.blobs].filter(([image]) => image.startsWith('enroll/'));
  // What a policy has admitted stays, also under a stricter one.
  const isEnrolled = (of: string): boolean =>
    items.some(({ image, state }) => image === of && state === 'enrolled');
  const enrolled = dropped.filter(([image, { bytes }]) =>
    bytes.at(-1) === 2 ? group?.severalFaces === 'largest' || isEnrolled(image) : bytes.at(-1) === 1,
  );
  const wanted = enrolled.map(([image, blob]) => faceKeyOf(image, contentOf(blob.bytes))).toSorted();
  expect(world.facesOf('g')).toEqual(wanted);
  expect(world.trainedOf('g')).toEqual(wanted);
  const { images, persons } = await world.app.imageRecords.counts('g');
  for (const gone of world.forgotten) {
    expect(world.blobs.get(gone.path)?.etag).not.toBe(gone.etag);
    expect(items.map(({ etag }) => etag)).not.toContain(gone.etag);
  }
  // A candidate of Face is named only as the person that its row knows.
  for (const { state, person, persisted } of items) {
    if (state !== 'enrolled' || group === undefined) continue;
    const known = await world.app.imageRecords.person(group, personKeyOf('g', person ?? ''));
    expect(persisted?.personId).toBe(known?.personId);
    expect((await world.app.groups.personOfFace('g', persisted?.personId ?? ''))?.person).toBe(person);
  }
  const listed = group && (await world.app.imageRecords.listPersons(group, { top: 10 }));
  expect(persons).toBe(listed?.items.length ?? 0);
  expect(await world.app.erasures.listOpen(10)).toEqual([]);
  if (group === undefined || group.isDeleted === true) expect(world.faceGroups.has('g')).toBe(false);
  expect(images).toMatchObject({
    received: 0,
    detected: 0,
    enrolled: enrolled.length,
    rejected: dropped.length - enrolled.length,
    failed: 0,
    removed: items.length - dropped.length,
  });
  const training = await world.app.trainings.get('g');
  expect(training === undefined || isCovered(training)).toBe(true);
  expect(world.deadLetters).toEqual([]);
}

import { expect, test } from 'vitest';
import { faceKeyOf, personKeyOf } from '../../../shared/records/keys.ts';
import { expectWhole, forget, paths } from './commands.ts';
import { World } from './world.ts';

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

test('all faces of a group are removed while they are added', async () => {
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

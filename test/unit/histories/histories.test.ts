import { expect, test } from 'vitest';
import { contentOf } from '../../../shared/records/image.ts';
import { faceKeyOf, personKeyOf } from '../../../shared/records/keys.ts';
import { copy, expectWhole, forget, paths } from './commands.ts';
import { placeOf } from '../../../shared/images/imagePath.ts';
import { picture, World, type CallFault } from './world.ts';

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

test('a deletion that lands late takes nothing that came after it, whichever write fails beside it', async () => {
  for (const fault of ['call lost', 'answer lost'] as const) {
    for (let write = 0; write < 12; write += 1) {
      const world = new World();
      await enrollAnn(world);
      await forget(world, undefined);
      world.faultsOf['deleteGroup'] = ['lands late'];
      world.pass(2_000);
      world.drop(paths[2], true);
      world.faultAfter(write, fault);
      await world.announce(paths[2]);
      await world.settle();
      await expectWhole(world).catch((error: unknown) => {
        throw new Error(`${fault} at write ${write}`, { cause: error });
      });
    }
  }
});

test('a group that is created late, after its deletion, is deleted again, whichever write fails beside it', async () => {
  for (const fault of ['call lost', 'answer lost'] as const) {
    for (let write = 0; write < 12; write += 1) {
      const world = new World();
      world.faultsOf['createGroup'] = ['lands late'];
      world.drop(paths[0], true);
      await world.announce(paths[0]);
      world.faultAfter(write, fault);
      await world.deliver();
      await forget(world, undefined);
      await world.settle();
      await expectWhole(world).catch((error: unknown) => {
        throw new Error(`${fault} at write ${write}`, { cause: error });
      });
    }
  }
});

test('what a stalled function found of an erased picture does not keep a touched blob of it', async () => {
  for (let effect = 1; effect < 12; effect += 1) {
    const world = new World();
    const [image] = paths;
    world.stallsAt = effect;
    world.drop(image, false);
    await world.announce(image);
    await forget(world, undefined);
    world.pass(1_000);
    await copy(world, image);
    // The group comes back with settings alone, so that the blob could belong to it.
    await world.put('g', { minQuality: 'none' });
    await world.resume();
    await world.settle();
    await expectWhole(world).catch((error: unknown) => {
      throw new Error(`stalled at effect ${effect}`, { cause: error });
    });
  }
});

test('a policy that admits more has what it refused looked at again, once, wherever a picture is then', async () => {
  for (let write = 0; write < 30; write += 1) {
    const world = new World();
    world.drop(paths[0], 'two');
    await world.announce(paths[0]);
    await world.settle(2);
    world.drop(paths[2], 'two');
    // The function stalls on its way, and the policy changes meanwhile.
    world.stallsAt = world.effects + 1 + write;
    await world.announce(paths[2]);
    await world.put('g', { severalFaces: 'largest' });
    await world.settle();
    await expectWhole(world);
    expect(world.facesOf('g')).toHaveLength(2);
    const { detect } = world.calls;
    await world.put('g', { severalFaces: 'largest', identifyThreshold: 0.7 });
    await world.settle();
    expect(world.calls['detect']).toBe(detect);
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

test('a deletion is finished when Face has thrown away what it detected, at once if that was long ago', async () => {
  const dayMs = 86_400_000;
  for (const person of ['ann', undefined] as const) {
    const world = new World();
    await enrollAnn(world);
    const detectedAt = world.now;
    await forget(world, person);
    const [open] = await world.app.erasures.listOpen(1);
    await world.settle();
    const removed = await world.app.erasures.get(open?.id ?? '');
    expect(removed).toHaveProperty('removedAt');
    expect(removed).not.toHaveProperty('finishedAt');
    // A little later than by our clock, and never earlier.
    const [enrolledAt, knownAt] = [detectedAt - 600_000, detectedAt + 120_000];
    expect(removed?.templatesExpireAt).toBeGreaterThan(enrolledAt + dayMs);
    expect(removed?.templatesExpireAt).toBeLessThanOrEqual(knownAt + dayMs);
    world.pass((removed?.templatesExpireAt ?? 0) - 1 - world.now);
    await world.sweep();
    expect(await world.app.erasures.get(open?.id ?? '')).not.toHaveProperty('finishedAt');
    world.pass(1);
    await world.sweep();
    expect(await world.app.erasures.get(open?.id ?? '')).toHaveProperty('finishedAt', world.now);

    await enrollAnn(world);
    world.pass(dayMs);
    await world.settle();
    await forget(world, person);
    const [second] = await world.app.erasures.listOpen(1);
    await world.settle();
    const atOnce = await world.app.erasures.get(second?.id ?? '');
    expect(atOnce?.finishedAt).toBe(atOnce?.removedAt);
    expect(atOnce?.finishedAt).toBeDefined();
  }
});

test('a week after its deletion nothing is kept of a person who did not come back', async () => {
  const dayMs = 86_400_000;
  const key = personKeyOf('g', 'ann');
  for (const comesBack of [false, true]) {
    const world = new World();
    await enrollAnn(world);
    await forget(world, 'ann');
    const [open] = await world.app.erasures.listOpen(1);
    await world.settle();
    expect(await world.app.erasures.get(open?.id ?? '')).toMatchObject({ kind: 'person', person: key });
    if (comesBack) await enrollAnn(world);
    world.pass(dayMs);
    await world.settle();
    // Finished, the erasure does not tell whom it was about; what is kept for late work is still there.
    expect(await world.app.erasures.get(open?.id ?? '')).not.toHaveProperty('person');
    expect(world.rows()).toContain(key);
    world.pass(6 * dayMs);
    await world.settle();
    await world.settle();
    expect(world.rows().includes(key)).toBe(comesBack);
    expect(world.facesOf('g')).toHaveLength(comesBack ? 1 : 0);
    expect(await world.app.erasures.get(open?.id ?? '')).toMatchObject({ isTombstoneGone: true });
    // Nothing was forgotten that is needed: the person may come back, and be deleted again.
    await enrollAnn(world);
    await forget(world, 'ann');
    world.pass(2_000);
    await world.settle();
    await expectWhole(world);
    expect([...world.blobs.keys()]).toEqual([]);
  }
});

test('what is kept of a person who was deleted twice is kept for a week from the second time on', async () => {
  const dayMs = 86_400_000;
  const key = personKeyOf('g', 'ann');
  const world = new World();
  for (let times = 0; times < 2; times += 1) {
    await enrollAnn(world);
    await forget(world, 'ann');
    world.pass(4 * dayMs);
    await world.settle();
  }
  expect(world.rows()).toContain(key);
  world.pass(6 * dayMs);
  await world.settle();
  expect(world.rows()).toContain(key);
  world.pass(dayMs);
  await world.settle();
  expect(world.rows()).not.toContain(key);
});

test('a picture that was at work when it was erased may have left a template', async () => {
  const world = new World();
  world.drop(paths[0], true);
  world.faultsOf['detect'] = ['answer lost'];
  await world.announce(paths[0]);
  await forget(world, 'ann');
  const [open] = await world.app.erasures.listOpen(1);
  await world.settle();
  const erasure = await world.app.erasures.get(open?.id ?? '');
  expect(erasure?.templatesExpireAt).toBeGreaterThan(world.now);
  expect(erasure).not.toHaveProperty('finishedAt');
});

/** A person with two pictures and a group-mate are enrolled, and a probe is answered; then one of them is deleted. */
async function beingErased(person: 'ann' | undefined, deliveries: number): Promise<World> {
  const world = new World();
  for (const image of paths) {
    world.drop(image, true);
    await world.announce(image);
  }
  await world.settle(2);
  await forget(world, person);
  world.pass(2_000);
  for (let times = 0; times < deliveries; times += 1) await world.deliver();
  return world;
}

test.for([
  ['ann', true],
  ['ann', false],
  [undefined, true],
  [undefined, false],
] as const)(
  'who touches or copies a blob that is being erased brings nobody back: %s is deleted, announced: %s',
  async ([person, isAnnounced]) => {
    for (const deliveries of [0, 1, 2]) {
      const world = await beingErased(person, 0);
      const bytes = paths.map((path) => contentOf(world.blobs.get(path)?.bytes ?? Buffer.alloc(0)));
      const [open] = await world.app.erasures.listOpen(1);
      const copied = 'enroll/g/ann/sub/copy.bmp';
      await copy(world, paths[0], copied);
      await copy(world, paths[1]);
      for (const path of isAnnounced ? [copied, paths[1]] : []) await world.announce(path);
      for (let times = 0; times < deliveries; times += 1) await world.deliver();
      world.pass(2_000);
      await world.settle();
      await expectWhole(world);
      expect([...world.blobs.keys()]).toEqual(person === undefined ? [] : [paths[2]]);
      expect(await world.app.erasures.get(open?.id ?? '')).toMatchObject({
        erased: { blobs: person === undefined ? 4 : 3, pictures: person === undefined ? 3 : 2 },
      });
      const rows = world.rows();
      expect(rows).not.toMatch(/enroll\/g\/ann|"ann\\/);
      for (const content of bytes.slice(0, 2)) expect(rows).not.toContain(content);
      // After the receipt the same bytes are a new picture.
      world.drop(paths[0], true);
      await world.announce(paths[0]);
      await world.settle();
      await expectWhole(world);
      expect(world.blobs.has(paths[0])).toBe(true);
    }
  },
);

test('a probe that is touched while its group is erased goes with it, and one of other bytes stays', async () => {
  const world = new World();
  const probe = 'identify/g/probe.bmp';
  world.drop(paths[0], true);
  await world.announce(paths[0]);
  world.drop(probe, false, 1);
  await world.announce(probe);
  await world.settle(2);
  await forget(world, undefined);
  world.pass(2_000);
  world.touch(probe);
  await world.announce(probe);
  world.drop('identify/g/other.bmp', false, 2);
  // Nobody knows yet what the erased pictures were: it is looked at when that is known.
  await world.announce('identify/g/other.bmp');
  await world.settle();
  expect([...world.blobs.keys()]).toEqual(['identify/g/other.bmp']);
  expect(world.rows()).not.toMatch(/probe\.bmp|enroll\/g/);
});

/** Ann and Bob are enrolled; each is on a probe of their own. */
async function withProbes(): Promise<World> {
  const world = new World();
  for (const image of [paths[0], paths[2]]) {
    world.drop(image, true);
    await world.announce(image);
    await world.settle(2);
  }
  for (const [variant, name] of ['ann', 'bob'].entries()) {
    world.drop(`identify/g/of-${name}.bmp`, true, variant);
    await world.announce(`identify/g/of-${name}.bmp`);
  }
  await world.settle(2);
  return world;
}

test('a person may be deleted with the probes on which they are the best candidate, touched, copied or not', async () => {
  const [ofAnn, ofBob, copied] = ['of-ann', 'of-bob', 'copy'].map((name) => `identify/g/${name}.bmp`) as [
    string,
    string,
    string,
  ];
  for (const isTouched of [false, true])
    for (const isAnnounced of [true, false])
      for (const deliveries of [0, 1, 2]) {
        const world = await withProbes();
        const content = contentOf(world.blobs.get(ofAnn)?.bytes ?? Buffer.alloc(0));
        expect(world.rows()).toContain(content);
        expect(await world.forget('g', 'ann', true)).toBe(true);
        const [open] = await world.app.erasures.listOpen(1);
        world.pass(2_000);
        for (let times = 0; times < deliveries; times += 1) await world.deliver();
        if (isTouched && deliveries < 2) {
          world.copy(ofAnn, copied);
          world.touch(ofAnn);
          for (const path of isAnnounced ? [ofAnn, copied] : []) await world.announce(path);
        }
        await world.settle();
        await expectWhole(world);
        expect([...world.blobs.keys()]).toEqual([paths[2], ofBob]);
        expect(world.rows()).not.toMatch(/of-ann|copy\.bmp|"ann\\/);
        expect(world.rows()).not.toContain(content);
        expect(world.rows()).not.toContain('probeErasures');
        expect((await world.app.imageRecords.counts('g')).probes).toMatchObject({
          identified: 1,
          removed: 0,
        });
        const erased = (await world.app.erasures.get(open?.id ?? ''))?.erased;
        expect(erased).toMatchObject({ pictures: 2, faceIds: 2, results: 1 });
      }
});

test('a person that Face still returns after its deletion hides no other one', async () => {
  const world = new World();
  for (const path of [paths[0], paths[2]]) {
    world.drop(path, true);
    await world.announce(path);
  }
  await world.settle(2);
  const group = await world.app.groups.get('g');
  if (group === undefined) throw new Error('the group does not exist');
  world.returnsAll = true;
  await world.forget('g', 'ann');
  const probe = { kind: 'bytes' as const, bytes: picture(true, 0) };
  const { faces } = await world.app.identify(group, probe, { maxCandidates: 1 });
  expect(faces[0]?.candidates).toMatchObject([{ person: 'bob' }]);
});

test('a group whose only faces are of failed images stays in Face, and its people stay known', async () => {
  const world = new World();
  await enrollAnn(world);
  await world.settle(2);
  world.faultsOf['detect'] = Array.from({ length: 20 }, () => 'failed' as const);
  world.drop(paths[0], true);
  await world.announce(paths[0]);
  await world.settle();
  const { items } = await world.app.imageRecords.listImages('g', { top: 10 });
  expect(items).toMatchObject([{ state: 'failed', persisted: {} }]);
  await world.app.retrain();
  await world.settle();
  expect(world.facesOf('g')).toHaveLength(1);
  const group = await world.app.groups.get('g');
  if (group === undefined) throw new Error('the group does not exist');
  world.faultsOf['detect'] = [];
  const probe = { kind: 'bytes' as const, bytes: picture(true, 0) };
  const { faces } = await world.app.identify(group, probe, { maxCandidates: 1 });
  expect(faces[0]?.candidates[0]?.person).toBe('ann');
});

test('a person may be deleted with the answers to callers that named them, and with those face IDs', async () => {
  for (const alsoProbes of [true, false]) {
    const world = new World();
    await enrollAnn(world);
    await world.settle(2);
    const group = await world.app.groups.get('g');
    if (group === undefined) throw new Error('the group does not exist');
    const { app } = world;
    const answer = await app.identify(
      group,
      { kind: 'bytes', bytes: picture(true, 0) },
      { maxCandidates: 1 },
    );
    expect(answer.faces[0]?.candidates[0]).toMatchObject({ person: 'ann' });
    const faceId = answer.faces[0]?.faceId ?? 'none';
    expect(world.rows()).toContain(faceId);
    expect(await world.forget('g', 'ann', alsoProbes)).toBe(true);
    await world.settle();
    expect(world.rows().includes(faceId)).toBe(!alsoProbes);
    expect(world.rows()).not.toContain('"ann\\');
  }
});

test('who does not ask for it keeps the probes, and who asked once and deletes again loses them', async () => {
  const world = await withProbes();
  await world.forget('g', 'ann');
  await world.settle();
  expect(world.blobs.has('identify/g/of-ann.bmp')).toBe(true);

  const again = await withProbes();
  await again.forget('g', 'ann', true);
  again.pass(2_000);
  again.drop(paths[1], true);
  await again.announce(paths[1]);
  again.pass(2_000);
  await again.forget('g', 'ann');
  await again.settle();
  await expectWhole(again);
  expect([...again.blobs.keys()]).toEqual([paths[2], 'identify/g/of-bob.bmp']);
});

test('another picture that was written to the path of an erased probe stays', async () => {
  const world = await withProbes();
  await world.forget('g', 'ann', true);
  world.pass(2_000);
  world.drop('identify/g/of-ann.bmp', true, 3);
  await world.announce('identify/g/of-ann.bmp');
  await world.settle();
  expect(world.blobs.has('identify/g/of-ann.bmp')).toBe(true);
  expect((await world.app.imageRecords.counts('g')).probes).toMatchObject({ identified: 2 });
});

test('a deletion at a step of another version waits for that version', async () => {
  const world = new World();
  for (const person of ['ann', undefined] as const) {
    await enrollAnn(world);
    await forget(world, person);
    const [open] = await world.app.erasures.listOpen(1);
    const id = open?.id ?? '';
    await world.app.erasures.change(id, (erasure) => ({ ...erasure, step: 'aStepToCome' }));
    for (let deliveries = 0; deliveries < 12; deliveries += 1) {
      world.pass(120_000);
      await world.deliver();
      await world.sweep();
    }
    const waiting = await world.app.erasures.get(id);
    expect(waiting).toMatchObject({ pass: 1, step: 'aStepToCome' });
    expect(waiting).not.toHaveProperty('removedAt');
    expect(world.deadLetters).toEqual([]);
    expect(world.warnings).toContain('other_version');
    // The version that has the step is through with it.
    await world.app.erasures.change(id, (erasure) => ({ ...erasure, step: 'rows' }));
    await world.settle();
    expect(await world.app.erasures.get(id)).toHaveProperty('removedAt');
    await expectWhole(world);
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
    images.map((image) => faceKeyOf(image, contentOf(world.blobs.get(image)?.bytes ?? Buffer.alloc(0)))),
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
  expect((await world.app.imageRecords.counts('g')).probes).toMatchObject({ removed: 1, identified: 0 });
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

/** Two pictures are enrolled, so that the group stays in Face; of a third the first add lands late, and another is sent. */
async function addTwice(world: World, second: CallFault[] = []): Promise<void> {
  for (const other of paths.slice(1)) {
    world.drop(other, true);
    await world.announce(other);
  }
  await world.settle(2);
  world.faultsOf['addFace'] = ['lands late', ...second];
  world.drop(paths[0], true);
  await world.announce(paths[0]);
  await world.deliver();
  world.pass(2_000);
  await world.deliver();
  expect(world.calls['addFace']).toBe(4);
}

const changes = {
  'written again': (world: World) => world.drop(paths[0], true),
  'written again without a face': (world: World) => world.drop(paths[0], false),
  deleted: (world: World) => world.blobs.delete(paths[0]),
  forgotten: (world: World) => forget(world, 'ann'),
};

test.for(Object.entries(changes))(
  'of an add that was sent twice no second face is left: the picture is %s before it lands',
  async ([, change]) => {
    for (const second of [[], ['lands late'], ['answer lost']] satisfies CallFault[][]) {
      const world = new World();
      await addTwice(world, second);
      await change(world);
      await world.announce(paths[0]);
      await world.settle();
      await expectWhole(world);
    }
  },
);

/**
 * A picture is enrolled while adds meet these faults, and the session's function stalls in this turn: once before each
 * of its reads and writes. `meanwhile` happens before it goes on.
 */
async function withStalls(faults: CallFault[], turn: number, meanwhile: (world: World) => Promise<void>) {
  for (let point = 1; ; point += 1) {
    const world = new World();
    world.faultsOf['addFace'] = [...faults];
    world.drop(paths[0], true);
    await world.announce(paths[0]);
    for (let before = 1; before < turn; before += 1) {
      await world.deliver();
      world.pass(2_000);
    }
    world.stallsAt = world.effects + point;
    await world.deliver();
    if (world.effects < world.stallsAt) return expect(point).toBeGreaterThan(10);
    await meanwhile(world);
    await world.settle();
    await expectWhole(world).catch((error: unknown) => {
      throw new Error(`${faults.join(', ')}: it stalled at ${point}`, { cause: error });
    });
  }
}

test('a session that lost its lock ends no add that its successor has sent', async () => {
  const faults: CallFault[][] = [['refused', 'lands late'], ['lands late'], ['answer lost', 'lands late']];
  for (const met of faults)
    await withStalls(met, 1, async (world) => {
      world.pass(31_000);
      await world.deliver();
    });
});

test('a session that lost its lock ends no add that its successor has sent for a picture that came back', async () => {
  await withStalls(['answer lost', 'lands late'], 2, async (world) => {
    const blob = world.blobs.get(paths[0]);
    world.pass(31_000);
    await world.deliver();
    world.blobs.delete(paths[0]);
    await world.announce(paths[0]);
    await world.deliver();
    // Restored, it has the ETag that it had.
    if (blob !== undefined) world.blobs.set(paths[0], blob);
    await world.announce(paths[0]);
    await world.deliver();
  });
});

test('an add in doubt is not forgotten when a new version comes while it is looked for', async () => {
  await withStalls(['lands late'], 2, async (world) => {
    world.drop(paths[0], true);
    await world.announce(paths[0]);
  });
});

test('an add in doubt is not forgotten when the outcome of another is written twice', async () => {
  for (const second of ['refused', undefined] as const)
    for (const fault of ['answer lost', 'sent twice'] as const)
      for (let writes = 0; ; writes += 1) {
        const world = new World();
        world.faultsOf['addFace'] = ['lands late', ...(second === undefined ? [] : [second])];
        world.drop(paths[0], true);
        await world.announce(paths[0]);
        await world.deliver();
        world.pass(2_000);
        world.faultAfter(writes, fault);
        await world.deliver();
        if (world.storageFaults.length > 0) {
          expect(writes).toBeGreaterThan(2);
          break;
        }
        await world.settle();
        await expectWhole(world);
      }
});

test('equal bytes written again cost no call, in whatever state they find the picture', async () => {
  for (const points of [0, 1, 2, 3, 4, 6]) {
    const world = new World();
    world.drop(paths[0], true, 7);
    await world.announce(paths[0]);
    for (let point = 0; point < points; point += 1) await world.deliver();
    world.touch(paths[0]);
    await world.announce(paths[0]);
    world.drop(paths[0], true, 7);
    await world.announce(paths[0]);
    await world.settle();
    await expectWhole(world);
    expect(world.calls, `after ${points} messages`).toMatchObject({ detect: 1, addFace: 1 });
    expect(world.calls['deleteFace']).toBeUndefined();
  }
});

test('an archived blob keeps its face; one that nobody could ever read says so', async () => {
  const world = new World();
  const [known, unread] = paths;
  world.drop(known, true, 7);
  await world.announce(known);
  await world.settle(2);
  const stateOf = (path: string) => world.app.imageRecords.get(placeOf(path).ref);
  const faces = world.facesOf('g');
  world.touch(known);
  world.archive(known);
  await world.announce(known);
  world.drop(unread, true);
  world.archive(unread);
  await world.announce(unread);
  await world.settle(2);
  expect(await stateOf(known)).toMatchObject({ state: 'enrolled' });
  expect(await stateOf(unread)).toMatchObject({ state: 'failed', reason: 'image_archived' });
  expect(world.facesOf('g')).toEqual(faces);
});

test('of other bytes none is read to know that they are others, however many there are', async () => {
  const world = new World();
  const [image] = paths;
  world.drop(image, true);
  await world.announce(image);
  await world.settle(2);
  world.drop(image, true);
  const blob = world.blobs.get(image);
  if (blob === undefined) throw new Error('nothing lies there');
  // Whoever read it would be told that nobody can.
  world.blobs.set(image, { ...blob, size: 5_000_000_000, archived: true });
  await world.announce(image);
  await world.settle(2);
  expect(await world.app.imageRecords.get(placeOf(image).ref)).toMatchObject({
    state: 'rejected',
    reason: 'image_too_large',
  });
});

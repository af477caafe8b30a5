import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seed, sizeOf } from '../../helpers/size.ts';
import { carryOut, command, copy, expectKnown, expectWhole, forget, paths } from './commands.ts';
import { World } from './world.ts';

test(
  'whatever happens, Face holds one face of each picture in the end, and all is trained',
  { timeout: 1_800_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 4, maxLength: 24 }), async (steps) => {
        const world = new World();
        for (const step of steps) {
          await carryOut(world, step);
          await expectKnown(world);
        }
        await world.settle();
        await expectWhole(world);
      }),
      { numRuns: sizeOf({ quick: 150, full: 10_000 }) },
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
  world.drop(first, true, 7);
  await world.announce(first);
  world.touch(first);
  await world.announce(first);
  world.drop(third, false);
  await world.announce(third);
  await world.settle(2);
  world.drop(third, true);
  await world.announce(third);
  world.drop(first, true);
  await world.announce(first);
  world.drop(first, true, 7);
  await world.announce(first);
  world.blobs.delete(second);
  await world.announce(second);
  await world.settle(2);
  for (const person of ['ann', undefined] as const) {
    await forget(world, person);
    world.pass(2_000);
    await copy(world, first);
    await world.announce(first);
    await world.deliver();
    world.pass(2_000);
    world.drop(second, true);
    await world.announce(second);
    await world.settle();
    await expectWhole(world);
  }
}

/** The points from 1 on at which something can happen: all of them at full size, else every fortieth. */
function pointsOf(count: number): number[] {
  const every = sizeOf({ quick: 40, full: 1 });
  return Array.from({ length: count }, (_, index) => index + 1).filter(
    (point) => point % every === seed % every,
  );
}

/** Tells the story once for each point. */
async function storyWith(what: string, count: number, happen: (world: World, point: number) => void) {
  for (const point of pointsOf(count)) {
    const world = new World();
    happen(world, point);
    await story(world).catch((error: unknown) => {
      throw new Error(`${what} at ${point} of ${count}`, { cause: error });
    });
  }
}

test('the process may die before and after each of its writes', { timeout: 600_000 }, async () => {
  const counting = new World();
  await story(counting);
  expect(counting.writes).toBeGreaterThan(60);
  for (const after of [false, true])
    await storyWith(
      `it died ${after ? 'after' : 'before'} the write`,
      counting.writes,
      (world, write) => (world.diesAt = 2 * write - (after ? 0 : 1)),
    );
});

test(
  'the lock may be lost before each read and write, and the function that lost it go on',
  { timeout: 600_000 },
  async () => {
    const counting = new World();
    await story(counting);
    expect(counting.effects).toBeGreaterThan(300);
    await storyWith('it stalled', counting.effects, (world, point) => (world.stallsAt = point));
  },
);

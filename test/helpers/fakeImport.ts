import { eventually } from './eventually.ts';
import { fakePicture } from './fakeFace.ts';
import type { TestStack } from './stack.ts';

/** A change waits for a training at most so long. */
const maxWaitSeconds = 8;

export const trainingSettings = {
  TRAIN_QUIET_SECONDS: '2',
  TRAIN_MAX_WAIT_SECONDS: String(maxWaitSeconds),
};

/** The most trainings that may begin while changes come for so many seconds. */
export function trainingsAtMost(seconds: number): number {
  return seconds < maxWaitSeconds ? 2 : 2 + Math.ceil(seconds / maxWaitSeconds);
}

/**
 * Drops pictures of so many persons, in turn, eight at a time, and waits until all are enrolled and trained. Gives the
 * seconds until the last one was enrolled.
 */
export async function importFakes(
  stack: TestStack,
  { group, persons, pictures }: { group: string; persons: number; pictures: number },
): Promise<number> {
  const begin = performance.now();
  let next = 0;
  const drop = async (): Promise<void> => {
    for (let index = next++; index < pictures; index = next++) {
      const person = `person-${index % persons}`;
      await stack.drop(`enroll/${group}/${person}/${Math.floor(index / persons)}.png`, fakePicture(person));
    }
  };
  await Promise.all(Array.from({ length: 8 }, drop));
  await eventually(
    'all are enrolled',
    async () => (await stack.group(group)).images['enrolled'] === pictures,
    900_000,
  );
  const seconds = (performance.now() - begin) / 1_000;
  await stack.covered(group);
  return seconds;
}

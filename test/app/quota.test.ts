import { afterEach, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { franck, portrait } from '../helpers/pictures.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

let stack: TestStack;

afterEach(() => stack.close());

test.each([1, 4])(
  'an import and callers share a small quota without a single refusal, at two calls a picture: %d instances',
  async (instances) => {
    stack = await startTestStack({ faceTps: 5, instances });
    const paths = franck.flatMap((file) =>
      ['a', 'b'].map((person) => [`enroll/few/${person}/${file}`, file] as const),
    );
    await Promise.all(paths.map(([path, file]) => stack.drop(path, portrait(file))));
    let asked = 0;
    let lastAsked = 0;
    await eventually(
      'all are enrolled',
      async () => {
        // A caller now and then: callers go first, and one without a pause would take the whole quota.
        if (Date.now() - lastAsked > 1_500) {
          lastAsked = Date.now();
          const { status } = await stack.postPicture('groups/few/identify', portrait('audrey.jpg'));
          if (status === 200) asked += 1;
        }
        const { images } = await stack.group('few');
        return images['enrolled'] === paths.length;
      },
      150_000,
    );
    expect(asked).toBeGreaterThan(2);
    await stack.covered('few');
    const { byOperation, refused } = await stack.calls();
    expect(refused).toBe(0);
    expect(byOperation['createGroup']).toBe(1);
    expect(byOperation['createPerson']).toBe(2);
    expect(byOperation['addFace']).toBe(paths.length);
    expect(byOperation['detect']).toBe(paths.length + asked);
  },
);

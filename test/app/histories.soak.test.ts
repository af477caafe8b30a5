import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { startFaultyProxy, type Fault } from '../helpers/faultyProxy.ts';
import { franck, portrait } from '../helpers/pictures.ts';
import { startTestStack, type GroupView, type ImageView, type TestStack } from '../helpers/stack.ts';

/* A few of the histories of test/unit/histories, on the real embedded stack: real servers, real models, real kills. */

let proxy: Awaited<ReturnType<typeof startFaultyProxy>>;
let stack: TestStack;

beforeAll(async () => {
  proxy = await startFaultyProxy();
  stack = await startTestStack({
    instances: 2,
    settings: { FACE_ENDPOINT: proxy.url, FACE_TIMEOUT_SECONDS: '2' },
  });
  proxy.aimAt(stack.stack.endpoints.face);
});

afterAll(async () => {
  await stack.close();
  await proxy.close();
});

const [first = '', second = '', third = ''] = franck;
const withFace = [first, second, third] as const;
const withoutFace = 'ironman.jpg';
const paths = ['ann/1.jpg', 'ann/2.jpg', 'bob/1.jpg'] as const;

type Command =
  | { do: 'drop'; path: (typeof paths)[number]; picture: string }
  | { do: 'delete'; path: (typeof paths)[number] }
  | { do: 'forget'; person: 'ann' | 'bob' }
  | { do: 'fault'; method: 'POST' | 'DELETE'; fault: Fault }
  | { do: 'kill'; part: string }
  | { do: 'pass'; ms: number };

const path = fc.constantFrom(...paths);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('drop' as const),
      path,
      picture: fc.constantFrom(...withFace, withoutFace),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), path }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('forget' as const),
      person: fc.constantFrom('ann' as const, 'bob' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      method: fc.constantFrom('POST' as const, 'DELETE' as const),
      fault: fc.constantFrom<Fault>(
        { kind: 'call lost' },
        { kind: 'answer lost' },
        { kind: 'late', afterMs: 3_000 },
        { kind: 'answered', status: 500 },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('kill' as const),
      part: fc.constantFrom('functions-host', 'functions-host-2', 'face', 'service-bus'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 1_500 }) }),
  },
);

/** What lies in the container: the model. */
type Container = Map<string, string>;

/**
 * Asks the API again while a connection breaks: a connection that a client keeps may lead to a process that was killed
 * a moment ago.
 */
async function ask(route: string, method: 'GET' | 'PUT' | 'DELETE') {
  return eventually(`${method} ${route} is answered`, () => stack.api(route, { method }));
}

async function carryOut(group: string, container: Container, step: Command): Promise<void> {
  switch (step.do) {
    case 'drop':
      await stack.drop(`enroll/${group}/${step.path}`, portrait(step.picture));
      container.set(step.path, step.picture);
      return;
    case 'delete':
      if (container.delete(step.path)) await stack.remove(`enroll/${group}/${step.path}`);
      return;
    case 'forget': {
      const { status } = await ask(`groups/${group}/persons/${step.person}`, 'DELETE');
      // A person of whom nothing has been recorded yet cannot be deleted; his pictures stay.
      if (status !== 202) return;
      for (const known of paths) if (known.startsWith(`${step.person}/`)) container.delete(known);
      // Storage tells when a blob was written in whole seconds: what comes within this one goes too.
      await sleep(1_100);
      return;
    }
    case 'fault':
      return proxy.break(step.method, new RegExp(`/${group}/`), step.fault);
    case 'kill': {
      const pid = stack.stack.processes()[step.part];
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      return void (await eventually(
        'the API answers again',
        async () => (await stack.api('groups')).status === 200,
      ));
    }
    case 'pass':
      await sleep(step.ms);
      return;
  }
}

async function expectWhole(group: string, container: Container): Promise<void> {
  const enrolled = [...container].filter(([, picture]) => picture !== withoutFace).map(([name]) => name);
  const listed = async () =>
    (await stack.get<{ items: ImageView[] }>(`groups/${group}/images?top=1000`)).items;
  await eventually(
    'every picture has come to its state',
    async () => {
      const items = await listed();
      const stateOf = (name: string) => items.find(({ image }) => image === `enroll/${group}/${name}`)?.state;
      return paths.every((name) =>
        container.has(name)
          ? stateOf(name) === (enrolled.includes(name) ? 'enrolled' : 'rejected')
          : [undefined, 'removed'].includes(stateOf(name)),
      );
    },
    120_000,
  );
  await eventually(
    'Face holds the faces of the imageRecords, and no others',
    async () => {
      const named = (await listed()).flatMap(({ persistedFaceId }) => persistedFaceId ?? []);
      const held = (await stack.faceOf(group)).flatMap(({ persistedFaceIds }) => persistedFaceIds);
      return named.length === enrolled.length && held.toSorted().join() === named.toSorted().join();
    },
    120_000,
  );
  await eventually(
    'every change is covered',
    async () => (await stack.group(group)).training.covered,
    120_000,
  );
  const { images } = (await ask(`groups/${group}`, 'GET')).body as GroupView;
  expect(images).toMatchObject({ received: 0, detected: 0, enrolled: enrolled.length, failed: 0 });
}

const histories = 4;

test('whatever happens, Face holds one face of each picture in the end', { timeout: 1_800_000 }, async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 6, maxLength: 16 }), async (steps) => {
      run += 1;
      const group = `history-${run}`;
      await ask(`groups/${group}`, 'PUT');
      const container: Container = new Map();
      for (const step of steps) await carryOut(group, container, step);
      await proxy.landed();
      await expectWhole(group, container);
    }),
    { numRuns: histories, endOnFailure: true },
  );
});

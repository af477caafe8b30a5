import { eventually } from '../helpers/eventually.ts';
import { franck, portrait } from '../helpers/pictures.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

/*
 * What the pipeline adds to the Face service: pictures a second through the whole of it, beside the same calls sent
 * straight to the Face service in the same run. Machines are noisy: the ratio is the result.
 */

const persons = 10;
const imagesOfPerson = 11;
const total = persons * imagesOfPerson;
/** As many calls at once as the Functions host makes. */
const callsAtOnce = 8;

export async function throughput(instances: number): Promise<void> {
  const startedAt = performance.now();
  const stack = await startTestStack({ instances, settings: { TRAIN_QUIET_SECONDS: '2' } });
  const readyMs = performance.now() - startedAt;
  try {
    await straight(stack, 1);
    const straightRate = await straight(stack, total);
    const { rate, trainedMs, calls } = await throughPipeline(stack);
    console.log(`no quota, ${instances} instance(s): ${total} pictures of ${persons} persons, 720 × 576`);
    console.log(`  stack ready: ${(readyMs / 1_000).toFixed(1)} s`);
    console.log(`  Face service alone, detect and add: ${straightRate.toFixed(1)} pictures a second`);
    console.log(
      `  through the pipeline: ${rate.toFixed(1)} pictures a second, ratio ${(rate / straightRate).toFixed(2)}`,
    );
    console.log(`  last picture enrolled until all are searchable: ${(trainedMs / 1_000).toFixed(1)} s`);
    console.log(`  calls to Face a picture: ${(calls.total / total).toFixed(3)} (${calls.text})`);
  } finally {
    await stack.close();
  }
}

/** Detects each picture and adds its face, straight at the Face service. */
async function straight({ stack: { endpoints } }: TestStack, count: number): Promise<number> {
  const at = `${endpoints.face}/face/v1.2`;
  const send = async (method: 'POST' | 'PUT', path: string, body: Uint8Array | object): Promise<unknown> => {
    const bytes = body instanceof Uint8Array;
    const response = await fetch(`${at}${path}`, {
      method,
      headers: {
        'ocp-apim-subscription-key': endpoints.faceKey,
        'content-type': bytes ? 'application/octet-stream' : 'application/json',
      },
      body: bytes ? new Uint8Array(body) : JSON.stringify(body),
    });
    const text = await response.text();
    return text === '' ? undefined : JSON.parse(text);
  };
  const group = `straight-${count}`;
  await send('PUT', `/largepersongroups/${group}`, { name: group, recognitionModel: 'recognition_04' });
  const ids = await Promise.all(
    Array.from({ length: persons }, async () => {
      const { personId } = (await send('POST', `/largepersongroups/${group}/persons`, { name: 'x' })) as {
        personId: string;
      };
      return personId;
    }),
  );
  const begin = performance.now();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const bytes = portrait(franck[index % franck.length] ?? '');
      const [face] = (await send(
        'POST',
        '/detect?detectionModel=detection_03&recognitionModel=recognition_04',
        bytes,
      )) as {
        faceRectangle: { left: number; top: number; width: number; height: number };
      }[];
      const { left, top, width, height } = face?.faceRectangle ?? { left: 0, top: 0, width: 0, height: 0 };
      const target = `targetFace=${left},${top},${width},${height}&detectionModel=detection_03`;
      await send(
        'POST',
        `/largepersongroups/${group}/persons/${ids[index % persons]}/persistedfaces?${target}`,
        bytes,
      );
    }
  };
  await Promise.all(Array.from({ length: callsAtOnce }, work));
  return count / ((performance.now() - begin) / 1_000);
}

async function throughPipeline({ drop, group, calls }: TestStack) {
  const before = await calls();
  const begin = performance.now();
  const drops = Array.from({ length: total }, (_, index) =>
    drop(
      `enroll/bench/person-${index % persons}/${Math.floor(index / persons)}.jpg`,
      portrait(franck[Math.floor(index / persons) % franck.length] ?? ''),
    ),
  );
  await Promise.all(drops);
  await eventually(
    'all are enrolled',
    async () => (await group('bench')).images['enrolled'] === total,
    300_000,
  );
  const enrolledMs = performance.now() - begin;
  await eventually('all are searchable', async () => (await group('bench')).training.covered, 60_000);
  const trainedMs = performance.now() - begin - enrolledMs;
  const after = await calls();
  const added = Object.entries(after.byOperation)
    .map(([name, count]): [string, number] => [name, count - (before.byOperation[name] ?? 0)])
    .filter(([, count]) => count > 0);
  return {
    rate: total / (enrolledMs / 1_000),
    trainedMs,
    calls: {
      total: added.reduce((sum, [, count]) => sum + count, 0),
      text: added.map(([name, count]) => `${name} ${count}`).join(', '),
    },
  };
}

import { franck, portrait } from '../helpers/pictures.ts';
import { startHttpProxy } from '../helpers/httpProxy.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';
import { median } from './median.ts';

const warmUps = 5;
const identifies = 60;

/** How much of an identify over HTTP is the pipeline's own, beside the calls to Face that it makes. */
export async function ownShare(): Promise<void> {
  const proxy = await startHttpProxy();
  const stack = await startTestStack({
    settings({ face }) {
      proxy.aimAt(face);
      return { FACE_ENDPOINT: `http://127.0.0.1:${proxy.port}` };
    },
  });
  try {
    await stack.drop('enroll/share/franck/1.jpg', portrait(franck[0] ?? ''));
    await stack.drop('enroll/share/audrey/1.jpg', portrait('audrey_crop.jpg'));
    await stack.covered('share');
    await identifyAll(stack, warmUps, 1);
    console.log(`the pipeline's own share of an identify, ${identifies} of one face, 720 × 576`);
    for (const atOnce of [1, 8]) {
      const before = proxy.spent();
      const taken = await identifyAll(stack, identifies, atOnce);
      const after = proxy.spent();
      const whole = taken.reduce((sum, ms) => sum + ms, 0);
      const inFace = after.ms - before.ms;
      console.log(
        `  ${atOnce} at once: ${((1 - inFace / whole) * 100).toFixed(1)} % own,` +
          ` ${((whole - inFace) / identifies).toFixed(1)} ms of ${(whole / identifies).toFixed(1)} (median ${median(taken).toFixed(1)}),` +
          ` ${((after.calls - before.calls) / identifies).toFixed(2)} calls`,
      );
    }
  } finally {
    await stack.close();
    proxy.close();
  }
}

/** Milliseconds that each took, as its caller saw it. */
async function identifyAll(stack: TestStack, count: number, atOnce: number): Promise<number[]> {
  const picture = portrait(franck[1] ?? '');
  const taken: number[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next++ < count) {
      const begin = performance.now();
      const { status, body } = await stack.postPicture('groups/share/identify', picture);
      if (status !== 200) throw new Error(`identify answered ${status} ${JSON.stringify(body)}`);
      taken.push(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return taken;
}

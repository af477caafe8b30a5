import sharp from 'sharp';
import { analyzeImage } from '../../emulators/face/models/analyze.ts';
import type { Network, NetworkInput } from '../../emulators/face/models/runtime.ts';
import { loadNetworks } from '../../emulators/face/models/sessions.ts';
import { createVision } from '../../emulators/face/models/vision.ts';
import type { Vision, Wanted } from '../../emulators/face/contract/vision.ts';
import { portrait } from '../helpers/pictures.ts';

/*
 * Pictures a second through the models of the Face service, from the bytes of a JPEG to faces and vectors, beside the
 * time that the networks alone take for the same pictures in the same run.
 */

const sizes = [
  { width: 800, height: 600 },
  { width: 1_280, height: 720 },
];
const pictures = 60;

type NetworkAnswer = Awaited<ReturnType<Network['run']>>;

const wanted: Wanted = {
  detectionModel: 'detection_03',
  recognitionModel: 'recognition_04',
  landmarks: false,
  attributes: ['qualityForRecognition'],
};

export async function models(): Promise<void> {
  // None is closed before all have started: the runtime does not bear threads that start after others have ended.
  const one = await createVision({ workers: 1 });
  const two = await createVision({ workers: 2 });
  try {
    await measure(one, two);
  } finally {
    await one.close();
    await two.close();
  }
}

async function measure(one: Vision, two: Vision): Promise<void> {
  for (const { width, height } of sizes) {
    const picture = await sharp(portrait('franck_02045.jpg'))
      .resize(width, height, { fit: 'contain', background: '#464' })
      .jpeg({ quality: 90 })
      .toBuffer();
    const { allMs, networksMs } = await onOneThread(picture);
    const rates = [await throughPool(picture, one), await throughPool(picture, two)] as const;
    console.log(`Face models, one face on ${width} × ${height}, detection and recognition_04`);
    console.log(
      `  one thread: ${allMs.toFixed(1)} ms of a core a picture, of which the networks ${networksMs.toFixed(1)}: ` +
        `ratio ${(networksMs / allMs).toFixed(2)}`,
    );
    console.log(
      `  one worker: ${rates[0].toFixed(1)} pictures a second; two: ${rates[1].toFixed(1)}, ` +
        `${(rates[1] / rates[0]).toFixed(2)} times as many`,
    );
  }
}

async function onOneThread(picture: Uint8Array): Promise<{ allMs: number; networksMs: number }> {
  const networks = await loadNetworks();
  let networksMs = 0;
  for (const network of Object.values(networks)) {
    if (typeof network === 'function') continue;
    const run: (feeds: Record<string, NetworkInput>) => Promise<NetworkAnswer> = network.run.bind(network);
    network.run = async (feeds: Record<string, NetworkInput>) => {
      const startedAt = processorMs();
      const answer = await run(feeds);
      networksMs += processorMs() - startedAt;
      return answer;
    };
  }
  for (let warm = 0; warm < 5; warm += 1) await analyzeImage(networks, picture, wanted);
  networksMs = 0;
  const startedAt = processorMs();
  for (let count = 0; count < pictures; count += 1) await analyzeImage(networks, picture, wanted);
  const allMs = (processorMs() - startedAt) / pictures;
  return { allMs, networksMs: networksMs / pictures };
}

/** Time that the process has had a core, which what else runs on the machine changes little. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

async function throughPool(picture: Uint8Array, vision: Vision): Promise<number> {
  const all = (count: number) =>
    Promise.all(Array.from({ length: count }, () => vision.analyze(picture, wanted)));
  await all(10);
  const startedAt = performance.now();
  await all(pictures);
  return pictures / ((performance.now() - startedAt) / 1_000);
}

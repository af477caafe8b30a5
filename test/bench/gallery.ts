import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { createGallery, type Candidate, type Gallery } from '../../emulators/face/gallery/gallery.ts';
import { openFaceStore } from '../../emulators/face/storage/store.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { facesOfPerson, likeness, nearestByLoop, type Faces } from './galleryFaces.ts';
import { peers } from './galleryPeers.ts';
import { isAsNear, nearestByFloats, shareAtLeast } from './galleryReference.ts';
import { writeFaces } from './galleryStore.ts';

/*
 * How fast the Face service finds the nearest of many persons, beside a plain loop over the same vectors as floats,
 * and beside libraries where they are installed. `npx node test/bench/gallery.ts --numbers 512` for larger vectors.
 */

const batch = 10;
const rounds = 15;
/** Products of a probe and a face that the comparison with floats may take, and probes at most. */
const productsAtMost = 1e9;
const probesAtMost = 4_000;

function median(times: number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

async function timed(work: () => unknown, times = rounds): Promise<number> {
  const taken: number[] = [];
  for (let round = 0; round < times; round += 1) {
    const begin = performance.now();
    await work();
    taken.push(performance.now() - begin);
  }
  return median(taken);
}

export async function gallery({ faces = 1_000_000, numbers = 320 } = {}): Promise<void> {
  const folder = await temporaryFolder();
  const file = join(folder.path, 'face.sqlite');
  const sizes = [...new Set([faces / 100, faces / 10, faces])];
  const collections = sizes.map((size) => writeFaces(file, size, numbers));
  const store = openFaceStore(file);
  const confidence = (a: Float32Array, b: Float32Array): number => (1 + likeness(a, b)) / 2;
  const ours = createGallery(store, { confidence });
  try {
    for (const collection of collections) await measure(ours, collection);
    for (const collection of collections) await peers(collection.faces, timed);
  } finally {
    await ours.close();
    store.close();
    await folder.remove();
  }
}

async function measure(ours: Gallery, { key, faces }: { key: number; faces: Faces }): Promise<void> {
  const { count, numbers } = faces;
  console.log(`gallery: ${count.toLocaleString('en')} faces × ${numbers} numbers, ${facesOfPerson} a person`);
  const find = (probes: Float32Array[]) =>
    ours.identify(key, probes, { threshold: 0, top: 1, recognitionModel: 'recognition_04' });
  const probes = Array.from({ length: batch }, (_, index) => faces.probe(index));
  const probe = probes.slice(0, 1);

  const before = process.memoryUsage().rss;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const begin = performance.now();
  await find(probe);
  const loadMs = performance.now() - begin;
  delay.disable();
  const bytes = (process.memoryUsage().rss - before) / count;
  console.log(
    `  loaded from disk in ${(loadMs / 1_000).toFixed(2)} s, other calls waited ${(delay.max / 1e6).toFixed(0)} ms at ` +
      `most; the process grew by ${bytes.toFixed(0)} bytes a face`,
  );

  for (let warm = 0; warm < 5; warm += 1) await find(probes);
  const oneMs = await timed(() => find(probe));
  const batchMs = (await timed(() => find(probes))) / batch;
  const loopMs = await timed(() => nearestByLoop(faces, probe[0] ?? new Float32Array()), 3);
  console.log(`  one face: ${oneMs.toFixed(2)} ms; a plain loop over floats: ${loopMs.toFixed(2)} ms`);
  console.log(`    ratio ${(loopMs / oneMs).toFixed(1)}`);
  console.log(`  ten at once: ${batchMs.toFixed(2)} ms a face, ratio ${(loopMs / batchMs).toFixed(1)}`);

  await compare(faces, find);
}

/** Whether the best person is that of a search by floats. */
async function compare(
  faces: Faces,
  find: (probes: Float32Array[]) => Promise<Candidate[][]>,
): Promise<void> {
  const count = Math.min(probesAtMost, productsAtMost / faces.count);
  const probes = Array.from({ length: count }, (_, index) => faces.probe(index));
  const expected = await nearestByFloats(faces, probes);
  let wrong = 0;
  for (let first = 0; first < count; first += batch) {
    const found = await find(probes.slice(first, first + batch));
    for (const [index, [best]] of found.entries()) {
      const [probe, nearest] = [probes[first + index] ?? new Float32Array(), expected[first + index] ?? -1];
      const isRight =
        best !== undefined &&
        (best.personId === faces.personId(nearest) ||
          isAsNear(faces, probe, faces.face(best.faceId), nearest));
      if (!isRight) wrong += 1;
    }
  }
  console.log(
    `  the same best person as by floats: ${count - wrong} of ${count}, half of them strangers; ` +
      `at 95 % certainty at least ${(shareAtLeast(wrong, count) * 100).toFixed(3)} %`,
  );
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { numbers: { type: 'string', default: '320' }, faces: { type: 'string', default: '1000000' } },
  });
  await gallery({ faces: Number(values.faces), numbers: Number(values.numbers) });
}

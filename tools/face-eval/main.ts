import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { analyzeImage } from '../../emulators/face/models/analyze.ts';
import { loadNetworks } from '../../emulators/face/models/sessions.ts';
import {
  annotatedGroups,
  changedPortraits,
  readBoxes,
  smallGroups,
  type AnnotatedImage,
} from './annotatedImages.ts';
import { createDetector, reportDetection } from './detection.ts';
import { createFacelessImages } from './faceless.ts';
import { comparedModels, detectOnly, fivePoints, analyzeAll } from './faces.ts';
import { reportIdentification } from './identification.ts';
import { loadPeers } from './peers.ts';
import { readPackageImages, readFolder } from './images.ts';
import { reportQuality, degradedCopies } from './quality.ts';
import type { Portrait } from './cutOut.ts';
import { createScenes } from './scenes.ts';
import { mean, quantile } from './statistics.ts';
import { allPairs, reportAllPairs, reportProtocol } from './verification.ts';

/*
 * Evaluates the models: npm run eval -- [FOLDER] [--pairs FILE] [--boxes FILE] [--peers] [--only recognition|detection]
 * FOLDER has person/*.jpg or images/person/*.jpg, and optionally pairs.csv (fold,a,b,same). The default is the
 * portraits of a package. --boxes: true faces on images of FOLDER, for detection. --peers: also evaluates the detectors
 * of face-api and human, with their WebAssembly backend if @tensorflow/tfjs-backend-wasm is installed.
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: 'string' },
    boxes: { type: 'string' },
    peers: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
});
const [folder] = positionals;
const set = folder === undefined ? readPackageImages() : await readFolder(folder, values.pairs);
/** Portraits for scenes, and portraits that are turned and masked one by one. */
const maxPortraits = 200;
const maxChanged = 60;
/** Scenes of each kind. The portraits of packages are too few for several. */
const rounds = folder === undefined ? 1 : 8;
const networks = await loadNetworks();
if (values.only !== 'detection') await evaluateRecognition();
if (values.only !== 'recognition') await evaluateDetection();

async function evaluateRecognition(): Promise<void> {
  const { faces, missed, timesMs } = await analyzeAll(networks, set.images);
  const ascending = timesMs.toSorted((a, b) => a - b);
  console.log(`${set.name}: ${set.images.length} images, ${missed.length} without a face`);
  for (const image of missed.slice(0, 20)) console.log(`  no face: ${image}`);
  console.log(
    `  ${mean(timesMs).toFixed(1)} ms per image on one thread, from its bytes to the vector of recognition_04 ` +
      `(middle ${quantile(ascending, 0.5).toFixed(1)}, 95 % below ${quantile(ascending, 0.95).toFixed(1)})`,
  );
  for (const model of comparedModels) {
    console.log(`\n${model}`);
    if (set.pairs.length > 0) console.log(reportProtocol(faces, set.pairs, model));
    console.log(reportAllPairs(allPairs(faces, model), model));
    console.log(reportIdentification(faces, model));
  }
  const degraded = await analyzeAll(networks, degradedCopies(set.images));
  console.log('\nqualityForRecognition, with recognition_04: the images as they are');
  console.log(reportQuality(faces, faces));
  const found = degraded.faces.length;
  console.log(
    `with ${found + degraded.missed.length} degraded copies (blurred, shrunk, noisy, dark, blocky), of which ${found} show a face`,
  );
  console.log(reportQuality([...faces, ...degraded.faces], faces));
}

async function evaluateDetection(): Promise<void> {
  const peers = values.peers ? await loadPeers() : undefined;
  if (peers !== undefined) console.log(`face-api and human run on ${peers.backend}`);
  const detectors = { rollcall: createDetector(networks), ...peers?.detectors };
  const report = async (title: string, images: readonly AnnotatedImage[]) =>
    console.log(`\ndetection: ${title}\n${await reportDetection(images, detectors)}`);
  const portraits = await readPortraits();
  await report('group images of @vladmandic/face-api', annotatedGroups());
  await report('the same at two ninths of their size', smallGroups());
  await report(`scenes made of ${portraits.length} of ${set.name}`, createScenes(portraits, rounds));
  await report('images without a face', createFacelessImages(portraits, rounds));
  await report(
    `${set.name}, turned and with masks drawn over them`,
    spread(portraits, maxChanged).flatMap(changedPortraits),
  );
  if (folder !== undefined && values.boxes !== undefined) {
    await report(values.boxes, await readBoxes(folder, values.boxes));
  }
}

/** Portraits with exactly one detected face, at most two per person. */
async function readPortraits(): Promise<Portrait[]> {
  const portraits: Portrait[] = [];
  const ofPersons = [...Map.groupBy(set.images, ({ person }) => person).values()].flatMap((own) =>
    own.slice(0, 2),
  );
  for (const { image, file } of spread(ofPersons, maxPortraits)) {
    const bytes = await readFile(file);
    const { faces, width, height } = await analyzeImage(networks, bytes, detectOnly);
    const [face] = faces;
    if (face === undefined || faces.length > 1) continue;
    portraits.push({ name: image, bytes, width, height, face: face.rectangle, points: fivePoints(face) });
  }
  return portraits;
}

/** At most `most` items, evenly spread over the list. */
function spread<Item>(items: readonly Item[], most: number): Item[] {
  const every = Math.max(1, Math.floor(items.length / most));
  return items.filter((_, index) => index % every === 0).slice(0, most);
}

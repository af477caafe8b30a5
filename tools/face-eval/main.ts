import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { analyzeImage } from '../../emulators/face/models/analyze.ts';
import { loadNetworks } from '../../emulators/face/models/sessions.ts';
import { annotatedGroups, changedPortraits, readBoxes, smallGroups, type AnnotatedPicture } from './crowd.ts';
import { detectorOf, reportDetection } from './detection.ts';
import { faceless } from './faceless.ts';
import { comparedModels, detectOnly, fivePoints, lookAtAll } from './faces.ts';
import { reportIdentification } from './identification.ts';
import { loadPeers } from './peers.ts';
import { packagePictures, readFolder } from './pictures.ts';
import { reportQuality, spoiltCopies } from './quality.ts';
import type { Portrait } from './cutOut.ts';
import { scenes } from './scenes.ts';
import { mean, quantile } from './statistics.ts';
import { allPairs, reportAllPairs, reportProtocol } from './verification.ts';

/*
 * How well the models do: npm run eval -- [FOLDER] [--pairs FILE] [--boxes FILE] [--peers] [--only recognition|detection]
 * FOLDER holds person/*.jpg or images/person/*.jpg, and perhaps pairs.csv (fold,a,b,same); without it, the portraits of a package.
 * --boxes: faces on pictures of FOLDER, for detection. --peers: the detectors of face-api and human beside ours,
 * of which the backend in WebAssembly is used where @tensorflow/tfjs-backend-wasm is installed.
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
const set = folder === undefined ? packagePictures() : await readFolder(folder, values.pairs);
/** Portraits that scenes are made of, and those that are turned and masked one by one. */
const portraitsAtMost = 200;
const changedAtMost = 60;
/** How often each kind of scene is made; the portraits of packages are few. */
const rounds = folder === undefined ? 1 : 8;
const networks = await loadNetworks();
if (values.only !== 'detection') await evaluateRecognition();
if (values.only !== 'recognition') await evaluateDetection();

async function evaluateRecognition(): Promise<void> {
  const { faces, missed, timesMs } = await lookAtAll(networks, set.pictures);
  const ascending = timesMs.toSorted((a, b) => a - b);
  console.log(`${set.name}: ${set.pictures.length} pictures, ${missed.length} without a face`);
  for (const image of missed.slice(0, 20)) console.log(`  no face: ${image}`);
  console.log(
    `  ${mean(timesMs).toFixed(1)} ms a picture on one thread, from its bytes to the vector of recognition_04 ` +
      `(middle ${quantile(ascending, 0.5).toFixed(1)}, 95 % below ${quantile(ascending, 0.95).toFixed(1)})`,
  );
  for (const model of comparedModels) {
    console.log(`\n${model}`);
    if (set.pairs.length > 0) console.log(reportProtocol(faces, set.pairs, model));
    console.log(reportAllPairs(allPairs(faces, model), model));
    console.log(reportIdentification(faces, model));
  }
  const spoilt = await lookAtAll(networks, spoiltCopies(set.pictures));
  console.log('\nqualityForRecognition, with recognition_04: the pictures as they are');
  console.log(reportQuality(faces, faces));
  const found = spoilt.faces.length;
  console.log(
    `with ${found + spoilt.missed.length} spoilt copies (blurred, shrunk, noisy, dark, blocky), of which ${found} show a face`,
  );
  console.log(reportQuality([...faces, ...spoilt.faces], faces));
}

async function evaluateDetection(): Promise<void> {
  const peers = values.peers ? await loadPeers() : undefined;
  if (peers !== undefined) console.log(`face-api and human run on ${peers.backend}`);
  const detectors = { rollcall: detectorOf(networks), ...peers?.detectors };
  const report = async (title: string, pictures: readonly AnnotatedPicture[]) =>
    console.log(`\ndetection: ${title}\n${await reportDetection(pictures, detectors)}`);
  const portraits = await readPortraits();
  await report('group pictures of @vladmandic/face-api', annotatedGroups());
  await report('the same at two ninths of their size', smallGroups());
  await report(`scenes made of ${portraits.length} of ${set.name}`, scenes(portraits, rounds));
  await report('pictures without a face', faceless(portraits, rounds));
  await report(
    `${set.name}, turned and with masks drawn over them`,
    some(portraits, changedAtMost).flatMap(changedPortraits),
  );
  if (folder !== undefined && values.boxes !== undefined) {
    await report(values.boxes, await readBoxes(folder, values.boxes));
  }
}

/** Portraits on which one face is found, of each person two at most. */
async function readPortraits(): Promise<Portrait[]> {
  const portraits: Portrait[] = [];
  const ofPersons = [...Map.groupBy(set.pictures, ({ person }) => person).values()].flatMap((own) =>
    own.slice(0, 2),
  );
  for (const { image, file } of some(ofPersons, portraitsAtMost)) {
    const bytes = await readFile(file);
    const { faces, width, height } = await analyzeImage(networks, bytes, detectOnly);
    const [face] = faces;
    if (face === undefined || faces.length > 1) continue;
    portraits.push({ name: image, bytes, width, height, face: face.rectangle, points: fivePoints(face) });
  }
  return portraits;
}

/** So many at most, from all of the list. */
function some<Item>(items: readonly Item[], most: number): Item[] {
  const every = Math.max(1, Math.floor(items.length / most));
  return items.filter((_, index) => index % every === 0).slice(0, most);
}

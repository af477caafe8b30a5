import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { analyzeImage } from '../models/analyze.ts';
import { loadNetworks } from '../models/sessions.ts';
import { annotatedGroups, changedPortraits, readBoxes, smallGroups, type AnnotatedPicture } from './crowd.ts';
import { reportDetection } from './detection.ts';
import { comparedModels, detectOnly, fivePoints, lookAtAll } from './faces.ts';
import { reportIdentification } from './identification.ts';
import { loadFaceApi, loadHuman, type Detect } from './peers.ts';
import { packagePictures, readFolder } from './pictures.ts';
import { reportQuality, spoiltCopies } from './quality.ts';
import { mean, quantile } from './statistics.ts';
import { allPairs, reportAllPairs, reportProtocol } from './verification.ts';

/*
 * How well the models do: npm run eval -- [FOLDER] [--pairs FILE] [--boxes FILE] [--peers] [--only recognition|detection]
 * FOLDER holds person/*.jpg, and perhaps pairs.csv (fold,a,b,same); without it, the portraits of a package.
 * --boxes: faces on pictures of FOLDER, for detection. --peers: the detectors of face-api and human beside ours,
 * which takes minutes.
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
/** Portraits that are turned and masked: from all of the set, so many. */
const changedAtMost = values.peers ? 8 : 60;
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
  const detect = async (bytes: Uint8Array) => (await analyzeImage(networks, bytes, detectOnly)).faces;
  const detectors: Record<string, Detect> = {
    rollcall: async (bytes) => (await detect(bytes)).map(({ rectangle }) => rectangle),
    ...(values.peers ? { 'face-api': await loadFaceApi(), human: await loadHuman() } : {}),
  };
  console.log(
    '\ndetection: group pictures of @vladmandic/face-api, as they are and at two ninths of their size',
  );
  console.log(await reportDetection([...annotatedGroups(), ...smallGroups()], detectors));
  const changed: AnnotatedPicture[] = [];
  const every = Math.max(1, Math.floor(set.pictures.length / changedAtMost));
  for (const [index, { image, file }] of set.pictures.entries()) {
    if (index % every !== 0 || index >= every * changedAtMost) continue;
    const bytes = await readFile(file);
    const [face] = await detect(bytes);
    if (face === undefined) continue;
    changed.push(...changedPortraits({ name: image, bytes, points: fivePoints(face), seed: index }));
  }
  console.log(`\ndetection: ${set.name}, turned and with masks drawn over them`);
  console.log(await reportDetection(changed, detectors));
  if (folder !== undefined && values.boxes !== undefined) {
    console.log(`\ndetection: ${values.boxes}`);
    console.log(await reportDetection(await readBoxes(folder, values.boxes), detectors));
  }
}

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { detectFaces, type FoundFace } from '../../emulators/face/models/detectFaces.ts';
import { computeFaceFeatures } from '../../emulators/face/models/faceFeatures.ts';
import {
  headNames,
  headsFile,
  computeProbability,
  type Head,
  type HeadName,
} from '../../emulators/face/models/heads.ts';
import { withImage } from '../../emulators/face/models/image/pyramid.ts';
import { loadNetworks, type Networks } from '../../emulators/face/models/sessions.ts';
import { fitHead, type Example } from './fitHead.ts';
import { occluders, createRandom, drawOccluder, type Occluder } from './occluders.ts';
import { percent, computeShare, table } from './statistics.ts';

/*
 * Trains the heads for glasses, masks and the like: npm run train-heads -- FOLDER LABELS
 * LABELS is a CSV of image, glasses (none, reading, sun, or empty if unclear) and headwear (0, 1 or empty) for images
 * of FOLDER. Masks and covered parts are drawn, each on half of the images, since no person in FOLDER wears a mask.
 * Each head is evaluated on persons outside its training (five folds by person), then trained on all.
 */

type Row = { image: string; glasses: string; headwear: string };
type Sample = Row & { person: string; drawn: Occluder | undefined; features: Float32Array };

const { positionals } = parseArgs({ allowPositionals: true });
const [folder, labelsFile] = positionals;
if (folder === undefined || labelsFile === undefined) throw new Error('usage: train-heads FOLDER LABELS');

const rows = await readLabels(labelsFile);
const samples = await computeAllFeatures(await loadNetworks(), folder, rows);
const heads: Partial<Record<HeadName, Head>> = {};
const report = [['head', 'with', 'without', 'found', 'wrongly', 'both right', 'weights']];
for (const name of headNames) {
  const examples = toExamples(name);
  heads[name] = fitHead(examples);
  report.push([name, ...evaluate(examples), `${heads[name].weights.length}`]);
}
await writeFile(headsFile, `${JSON.stringify(heads)}\n`);
console.log(table(report));

async function readLabels(file: string): Promise<Row[]> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n').slice(1);
  return lines.map((line) => {
    const [image = '', glasses = '', headwear = ''] = line.trim().split(',');
    return { image, glasses, headwear };
  });
}

async function computeAllFeatures(
  networks: Networks,
  from: string,
  labels: readonly Row[],
): Promise<Sample[]> {
  const network = await networks.faceFeatures();
  const found: Sample[] = [];
  for (const [index, row] of labels.entries()) {
    const bytes = await readFile(join(from, row.image));
    const face = await middleFace(networks, bytes);
    if (face === undefined) continue;
    const person = row.image.split('/')[0] ?? '';
    const random = createRandom(index);
    const drawings = [undefined, ...occluders.filter(() => random() < 0.5)];
    for (const drawn of drawings) {
      const shown = drawn === undefined ? bytes : await drawOccluder(bytes, face.points, drawn, index);
      // If the detector still finds the face, its new box counts, as in the service.
      const seen = drawn === undefined ? face : ((await middleFace(networks, shown)) ?? face);
      const { features } = await withImage(shown, (image) => computeFaceFeatures(network, image, seen));
      found.push({ ...row, person, drawn, features });
    }
    if (index % 20 === 0) process.stderr.write(`\r${index} of ${labels.length} `);
  }
  process.stderr.write('\r'.padEnd(30) + '\r');
  return found;
}

function middleFace(networks: Networks, bytes: Uint8Array): Promise<FoundFace | undefined> {
  return withImage(bytes, async (image) => {
    const faces = await detectFaces(networks, image, { smallest: 36, most: 100 });
    const fromMiddle = ({ x1, x2 }: FoundFace) => Math.abs((x1 + x2 - image.width) / 2);
    return faces.toSorted((a, b) => fromMiddle(a) - fromMiddle(b))[0];
  });
}

/** The answer of a sample for a head; undefined if the sample does not tell. */
function toAnswer(name: HeadName, { glasses, headwear, drawn }: Sample): boolean | undefined {
  const coversEyes = drawn === 'eyes';
  const coversTop = drawn === 'forehead';
  switch (name) {
    case 'glasses':
      return glasses === '' || coversEyes ? undefined : glasses !== 'none';
    case 'sunglasses':
      return glasses === '' || coversEyes ? undefined : glasses === 'sun';
    case 'headwear':
      return headwear === '' || coversTop ? undefined : headwear === '1';
    case 'mask':
      return drawn === 'mask';
    case 'eyes':
      return glasses === '' ? undefined : coversEyes || glasses === 'sun';
    case 'mouth':
      return drawn === 'mouth' || drawn === 'mask';
    case 'forehead':
      return headwear === '1' && !coversTop ? undefined : coversTop;
  }
}

function toExamples(name: HeadName): (Example & { person: string })[] {
  return samples.flatMap((sample) => {
    const answer = toAnswer(name, sample);
    return answer === undefined ? [] : [{ features: sample.features, answer, person: sample.person }];
  });
}

/** Evaluates a head on persons outside its training. */
function evaluate(examples: readonly (Example & { person: string })[]): string[] {
  const folds = 5;
  const toFold = (person: string) => Buffer.from(person).reduce((sum, byte) => sum + byte, 0) % folds;
  const judged = Array.from({ length: folds }, (_, fold) => {
    const head = fitHead(examples.filter(({ person }) => toFold(person) !== fold));
    return examples
      .filter(({ person }) => toFold(person) === fold)
      .map(({ features, answer }) => ({ answer, said: computeProbability(head, features) >= 0.5 }));
  }).flat();
  const having = judged.filter(({ answer }) => answer);
  const lacking = judged.filter(({ answer }) => !answer);
  const found = computeShare(having.filter(({ said }) => said).length, having.length);
  const wrong = computeShare(lacking.filter(({ said }) => said).length, lacking.length);
  const balanced = ((found.share + 1 - wrong.share) / 2) * 100;
  return [
    `${having.length}`,
    `${lacking.length}`,
    percent(found, 1),
    percent(wrong, 1),
    `${balanced.toFixed(1)} %`,
  ];
}

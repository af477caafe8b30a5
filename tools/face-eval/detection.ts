import { detectWithinLimits } from '../../emulators/face/models/analyze.ts';
import { withImage } from '../../emulators/face/models/image/pyramid.ts';
import { toRectangle } from '../../emulators/face/models/rectangle.ts';
import type { Networks } from '../../emulators/face/models/sessions.ts';
import type { Rectangle } from '../../emulators/face/contract/vision.ts';
import type { AnnotatedImage, TrueFace } from './annotatedImages.ts';
import type { Detect } from './peers.ts';
import { table } from './statistics.ts';

type Tally = { found: Map<string, number>; falseAlarms: number; ms: number };

/** The detector of the Face service, without the analysis of each face. */
export function createDetector(networks: Networks): Detect {
  return (bytes) =>
    withImage(bytes, async (image) => {
      const faces = await detectWithinLimits(networks, image);
      return faces.map((face) => toRectangle(face, 'detection_03', image));
    });
}

/**
 * Reports for each detector the found faces by kind, the false alarms (also a second rectangle for the same face), and
 * the time from the bytes of an image to the rectangles. On images without known rectangles there are no false alarms,
 * since portraits have bystanders.
 */
export async function reportDetection(
  images: readonly AnnotatedImage[],
  detectors: Record<string, Detect>,
): Promise<string> {
  const tallies = Object.entries(detectors).map(([name, detect]) => ({
    ...{ name, detect },
    tally: { found: new Map<string, number>(), falseAlarms: 0, ms: 0 },
  }));
  // Warms up: the first image of a run allocates memory and compiles code.
  const [first] = images;
  if (first !== undefined) for (const { detect } of tallies) await detect(await first.bytes());
  for (const image of images) {
    const bytes = await image.bytes();
    for (const { tally, detect } of tallies) {
      const startedAt = performance.now();
      const rectangles = await detect(bytes);
      tally.ms += performance.now() - startedAt;
      count(tally, image.faces, rectangles);
    }
    process.stderr.write(`\r${image.name.slice(-60)} `.padEnd(70));
  }
  process.stderr.write('\r'.padEnd(70) + '\r');
  const present = Map.groupBy(
    images.flatMap(({ faces }) => faces),
    ({ kind }) => kind,
  );
  const perDetector = (value: (tally: Tally) => string) => tallies.map(({ tally }) => value(tally));
  return table([
    [`on ${images.length} images`, 'present', ...tallies.map(({ name }) => name)],
    ...[...present].map(([kind, { length }]) => {
      const found = perDetector((tally) => shareText(tally.found.get(kind) ?? 0, length));
      return [kind, `${length}`, ...found];
    }),
    ['false alarms', '', ...perDetector(({ falseAlarms }) => `${falseAlarms}`)],
    ['ms per image', '', ...perDetector(({ ms }) => (ms / images.length).toFixed(1))],
  ]);
}

function shareText(found: number, all: number): string {
  return `${found} (${((found / all) * 100).toFixed(0).padStart(3)} %)`;
}

function count(tally: Tally, faces: readonly TrueFace[], rectangles: readonly Rectangle[]): void {
  const left = new Set(faces);
  for (const rectangle of rectangles) {
    const match = [...left].find((face) => matches(rectangle, face));
    if (match !== undefined) {
      left.delete(match);
      tally.found.set(match.kind, (tally.found.get(match.kind) ?? 0) + 1);
    } else if (faces.every(({ width }) => Number.isFinite(width))) {
      tally.falseAlarms += 1;
    }
  }
}

/** Compares centres and widths loosely, since detectors draw rectangles differently. */
function matches(rectangle: Rectangle, face: TrueFace): boolean {
  if (!Number.isFinite(face.width)) return true;
  const [x, y] = [rectangle.left + rectangle.width / 2, rectangle.top + rectangle.height / 2];
  const [trueX, trueY] = [face.left + face.width / 2, face.top + face.height / 2];
  const ratio = rectangle.width / face.width;
  return (
    Math.abs(x - trueX) < face.width * 0.5 &&
    Math.abs(y - trueY) < face.height * 0.5 &&
    ratio > 0.4 &&
    ratio < 2.6
  );
}

import { detectWithinLimits } from '../../emulators/face/models/analyze.ts';
import { withImage } from '../../emulators/face/models/image/pyramid.ts';
import { toRectangle } from '../../emulators/face/models/rectangle.ts';
import type { Networks } from '../../emulators/face/models/sessions.ts';
import type { Rectangle } from '../../emulators/face/contract/vision.ts';
import type { AnnotatedPicture, TrueFace } from './crowd.ts';
import type { Detect } from './peers.ts';
import { table } from './statistics.ts';

type Tally = { found: Map<string, number>; falseAlarms: number; ms: number };

/** Our detector alone, without what is worked out about each face afterwards. */
export function detectorOf(networks: Networks): Detect {
  return (bytes) =>
    withImage(bytes, async (picture) => {
      const faces = await detectWithinLimits(networks, picture);
      return faces.map((face) => toRectangle(face, 'detection_03', picture));
    });
}

/**
 * Who finds how many of the faces, by kind; what they take for faces that is none, or twice for the same; and how long
 * they take from the bytes of a picture to the rectangles. Where it is not known where the face is, a second one is no
 * false alarm: portraits have bystanders.
 */
export async function reportDetection(
  pictures: readonly AnnotatedPicture[],
  detectors: Record<string, Detect>,
): Promise<string> {
  const tallies = Object.entries(detectors).map(([name, detect]) => ({
    ...{ name, detect },
    tally: { found: new Map<string, number>(), falseAlarms: 0, ms: 0 },
  }));
  // The first picture of a run is slow: memory is got and code is compiled.
  const [first] = pictures;
  if (first !== undefined) for (const { detect } of tallies) await detect(await first.bytes());
  for (const picture of pictures) {
    const bytes = await picture.bytes();
    for (const { tally, detect } of tallies) {
      const startedAt = performance.now();
      const rectangles = await detect(bytes);
      tally.ms += performance.now() - startedAt;
      count(tally, picture.faces, rectangles);
    }
    process.stderr.write(`\r${picture.name.slice(-60)} `.padEnd(70));
  }
  process.stderr.write('\r'.padEnd(70) + '\r');
  const there = Map.groupBy(
    pictures.flatMap(({ faces }) => faces),
    ({ kind }) => kind,
  );
  const each = (value: (tally: Tally) => string) => tallies.map(({ tally }) => value(tally));
  return table([
    [`on ${pictures.length} pictures`, 'there', ...tallies.map(({ name }) => name)],
    ...[...there].map(([kind, { length }]) => {
      const found = each((tally) => shareText(tally.found.get(kind) ?? 0, length));
      return [kind, `${length}`, ...found];
    }),
    ['false alarms', '', ...each(({ falseAlarms }) => `${falseAlarms}`)],
    ['ms a picture', '', ...each(({ ms }) => (ms / pictures.length).toFixed(1))],
  ]);
}

function shareText(found: number, all: number): string {
  return `${found} (${((found / all) * 100).toFixed(0).padStart(3)} %)`;
}

function count(tally: Tally, faces: readonly TrueFace[], rectangles: readonly Rectangle[]): void {
  const left = new Set(faces);
  for (const rectangle of rectangles) {
    const match = [...left].find((face) => isOn(rectangle, face));
    if (match !== undefined) {
      left.delete(match);
      tally.found.set(match.kind, (tally.found.get(match.kind) ?? 0) + 1);
    } else if (faces.every(({ width }) => Number.isFinite(width))) {
      tally.falseAlarms += 1;
    }
  }
}

/** Detectors draw their rectangles differently: the middle of the one must lie in the middle of the other. */
function isOn(rectangle: Rectangle, face: TrueFace): boolean {
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

import type { Rectangle } from '../vision.ts';
import type { AnnotatedPicture, TrueFace } from './crowd.ts';
import type { Detect } from './peers.ts';
import { table } from './statistics.ts';

type Tally = { found: Map<string, number>; falseAlarms: number };

/**
 * Who finds how many of the faces, by kind, and what they take for faces that is none. Where it is not known where the
 * face is, a second one is no false alarm: portraits have bystanders.
 */
export async function reportDetection(
  pictures: readonly AnnotatedPicture[],
  detectors: Record<string, Detect>,
): Promise<string> {
  const tallies = new Map<string, Tally>();
  for (const name of Object.keys(detectors)) tallies.set(name, { found: new Map(), falseAlarms: 0 });
  for (const picture of pictures) {
    const bytes = await picture.bytes();
    for (const [name, detect] of Object.entries(detectors)) {
      const tally = tallies.get(name);
      if (tally !== undefined) await count(tally, picture, bytes, detect);
    }
    process.stderr.write(`\r${picture.name} `.padEnd(70));
  }
  process.stderr.write('\r'.padEnd(70) + '\r');
  const kinds = [...new Set(pictures.flatMap(({ faces }) => faces.map(({ kind }) => kind)))];
  const names = [...tallies.keys()];
  const rows = kinds.map((kind) => {
    const all = pictures.flatMap(({ faces }) => faces).filter((face) => face.kind === kind).length;
    return [kind, `${all}`, ...names.map((name) => `${tallies.get(name)?.found.get(kind) ?? 0}`)];
  });
  const each = (value: (tally: Tally) => string) => names.map((name) => value(tallies.get(name) ?? empty));
  return table([
    ['faces', 'there', ...names],
    ...rows,
    ['false alarms', '', ...each(({ falseAlarms }) => `${falseAlarms}`)],
  ]);
}

const empty: Tally = { found: new Map(), falseAlarms: 0 };

async function count(
  tally: Tally,
  { faces }: AnnotatedPicture,
  bytes: Uint8Array,
  detect: Detect,
): Promise<void> {
  const left = new Set(faces);
  for (const rectangle of await detect(bytes)) {
    const match = [...left].find((face) => isOn(rectangle, face));
    if (match !== undefined) {
      left.delete(match);
      tally.found.set(match.kind, (tally.found.get(match.kind) ?? 0) + 1);
    } else if (!faces.some((face) => isOn(rectangle, face))) {
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

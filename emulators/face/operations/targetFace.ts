import { faults } from '../faults.ts';
import { readInteger } from '../http/requests.ts';
import type { AnalyzedFace, AnalyzedImage, Rectangle } from '../vision.ts';

/** A rectangle that shares so much of its union with a target is what the target was drawn around. */
const drawnAround = 0.5;

/** `left,top,width,height`, as `targetFace` gives it; undefined when none is given. */
export function readTarget(text: string | undefined): Rectangle | undefined {
  if (text === undefined || text === '') return undefined;
  const numbers = text.split(',').map((part) => readInteger(part.trim()) ?? Number.NaN);
  const [left = 0, top = 0, width = 0, height = 0] = numbers;
  if (numbers.length !== 4 || numbers.some(Number.isNaN)) {
    throw faults.badArgument('Invalid argument targetFace.');
  }
  if (left < 0 || top < 0 || width <= 0 || height <= 0) throw outOfRange();
  return { left, top, width, height };
}

/** The one face of a picture, or of the part of it that the target names. */
export function onlyFace(
  { faces, width, height }: AnalyzedImage,
  target: Rectangle | undefined,
): AnalyzedFace {
  if (target === undefined) return theOne(faces);
  if (target.left + target.width > width || target.top + target.height > height) throw outOfRange();
  // Neighbours in a crowd reach into each other's rectangles: the one that was meant goes first.
  const meant = faces.toSorted((a, b) => likeness(b.rectangle, target) - likeness(a.rectangle, target))[0];
  if (meant !== undefined && likeness(meant.rectangle, target) >= drawnAround) return meant;
  return theOne(faces.filter(({ rectangle }) => holdsCentre(target, rectangle)));
}

function theOne(faces: readonly AnalyzedFace[]): AnalyzedFace {
  const [face, ...others] = faces;
  if (face === undefined) throw faults.noFace();
  if (others.length > 0) throw faults.severalFaces();
  return face;
}

function outOfRange(): Error {
  return faults.badArgument('Argument targetFace out of range.');
}

/** What both share, as a share of what they cover together. */
function likeness(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}

function holdsCentre(target: Rectangle, { left, top, width, height }: Rectangle): boolean {
  const [x, y] = [left + width / 2, top + height / 2];
  return (
    x >= target.left && x <= target.left + target.width && y >= target.top && y <= target.top + target.height
  );
}

import { faults } from '../contract/faults.ts';
import { readInteger } from './parameters.ts';
import type { AnalyzedFace, AnalyzedImage, Rectangle } from '../contract/vision.ts';

/** Intersection over union from which a face counts as the one that the target was drawn around. */
const leastOverlap = 0.5;

/** Parses `targetFace`: `left,top,width,height`. @throws FaceFault */
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

/** The only face of an image, or of the target. @throws FaceFault for no face or several */
export function selectFace(
  { faces, width, height }: AnalyzedImage,
  target: Rectangle | undefined,
): AnalyzedFace {
  if (target === undefined) return requireOne(faces);
  if (target.left + target.width > width || target.top + target.height > height) throw outOfRange();
  // In a crowd several faces may have their centre in the target, so that the best overlap decides first.
  const meant = faces.toSorted((a, b) => overlap(b.rectangle, target) - overlap(a.rectangle, target))[0];
  if (meant !== undefined && overlap(meant.rectangle, target) >= leastOverlap) return meant;
  return requireOne(faces.filter(({ rectangle }) => containsCentre(target, rectangle)));
}

function requireOne(faces: readonly AnalyzedFace[]): AnalyzedFace {
  const [face, ...others] = faces;
  if (face === undefined) throw faults.noFace();
  if (others.length > 0) throw faults.severalFaces();
  return face;
}

function outOfRange(): Error {
  return faults.badArgument('Argument targetFace out of range.');
}

/** Intersection over union, 0 to 1. */
function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}

function containsCentre(target: Rectangle, { left, top, width, height }: Rectangle): boolean {
  const [x, y] = [left + width / 2, top + height / 2];
  return (
    x >= target.left && x <= target.left + target.width && y >= target.top && y <= target.top + target.height
  );
}

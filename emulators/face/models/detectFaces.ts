import { detectByBlazeFace, detectNear, type BlazeFaceDetection } from './blazeFace.ts';
import { overlap, type Box } from './boxes.ts';
import { alignFace, type AlignedFace } from './alignedFace.ts';
import type { ImagePyramid } from './image/pyramid.ts';
import { detectByMtcnn, type DetectedFace } from './mtcnn.ts';
import type { Networks } from './sessions.ts';
import {
  detectInOrientations,
  findOrientations,
  orientationsByEyes,
  type Orientation,
} from './orientations.ts';

export type FoundFace = DetectedFace & { aligned: AlignedFace };

export type DetectionLimits = {
  /** The shorter side of a face in pixels. */
  smallest: number;
  /** Faces in the result. The largest are kept. */
  most: number;
};

/*
 * Three networks decide: the cascade, BlazeFace, and MobileFaceNet, whose vectors are short for crops without a face.
 * Fists, ears, lit windows and drawings deceive one of the networks, seldom two. The limits were chosen on scenes made
 * of half of LFW's persons, and on 165 photographs and 101 other images without faces.
 */

/** A score of the cascade from `sure` on is accepted; below, 100 times the score plus the norm must reach `together`. */
const upright = { sure: 0.99, together: 138 };
/** The last network of the cascade alone needs a norm too, since the networks before it rejected these places. */
const turned = { sure: 0.99, norm: 48 };
/** Any other face must be found by BlazeFace from near with the score `near`, and have a vector of length `norm`. */
const confirmed = { near: 0.6, norm: 36, overlap: 1 / 3 };
/** The score from which a detection by BlazeFace alone is checked from near. */
const worthCheckingNear = 0.5;
/** A shorter vector may come from a face in another orientation. */
const doubtfulNorm = 52;
/** How much longer the vector must be in another orientation, since the points of the cascade are more exact. */
const clearlyLonger = 1.1;
/** Limits the checks of boxes that turn out to be no face, and of places of turned faces, about five per image. */
const maxExtraChecks = 64;
/** The likeliest orientations of a face are compared by the length of their vectors. */
const maxCompared = 2;

/** Finds faces with two detectors, largest first. */
export async function detectFaces(
  networks: Networks,
  image: ImagePyramid,
  { smallest, most }: DetectionLimits,
): Promise<FoundFace[]> {
  const isLarge = ({ x1, y1, x2, y2 }: Box) => Math.min(x2 - x1, y2 - y1) >= smallest * 0.9;
  const found: FoundFace[] = [];
  const tooSmall: Box[] = [];
  const isFree = (box: Box) => [...found, ...tooSmall].every((face) => !overlaps(face, box));
  const add = (face: FoundFace | undefined) => {
    if (face !== undefined && isLarge(face) && isFree(face)) found.push(face);
  };
  const { faces, candidates } = await detectByMtcnn(networks, image, smallest);
  tooSmall.push(...faces.filter((face) => !isLarge(face)));
  const detections = await detectByBlazeFace(networks.blazeFace, image);
  for (const face of largestFirst(faces.filter(isLarge)).slice(0, most + maxExtraChecks)) {
    if (found.length >= most) break;
    const detection = detections.find((other) => overlaps(face, other));
    add(await checkUpright(networks, image, face, detection));
  }
  for (const detection of detections) {
    if (!isLarge(detection) || !isFree(detection)) continue;
    add(await checkDetection(networks, image, detection));
  }
  const places = candidates.filter((box) => isLarge(box) && isFree(box)).slice(0, maxExtraChecks);
  for (const [index, orientations] of (await findOrientations(networks.refine, image, places)).entries()) {
    const place = places[index];
    if (place !== undefined && isFree(place)) add(await checkTurned(networks, image, orientations));
  }
  return largestFirst(found).slice(0, most);
}

/** A face of the cascade, in another orientation if its vector is clearly longer there; undefined for no face. */
async function checkUpright(
  networks: Networks,
  image: ImagePyramid,
  face: DetectedFace,
  detection: BlazeFaceDetection | undefined,
): Promise<FoundFace | undefined> {
  const seen = { ...face, aligned: alignFace(networks.embedding, image, face.points) };
  const isClear =
    face.score >= upright.sure || 100 * face.score + (await seen.aligned.norm()) >= upright.together;
  if (!isClear && !(await isConfirmed(networks, image, seen))) return undefined;
  if (detection === undefined) return seen;
  const norm = await seen.aligned.norm();
  if (norm >= doubtfulNorm) return seen;
  const other = await chooseClearest(networks, image, orientationsByEyes(detection));
  if (other === undefined || !overlaps(other, face)) return seen;
  return (await other.aligned.norm()) > norm * clearlyLonger ? other : seen;
}

/** A face of BlazeFace alone; one with a good score is detected again from near if the first attempt fails. */
async function checkDetection(
  networks: Networks,
  image: ImagePyramid,
  detection: BlazeFaceDetection,
): Promise<FoundFace | undefined> {
  const face = await checkTurned(networks, image, orientationsByEyes(detection));
  if (face !== undefined || detection.score < worthCheckingNear) return face;
  const near = await detectNear(networks.blazeFace, image, detection);
  return near === undefined ? undefined : checkTurned(networks, image, orientationsByEyes(near));
}

/** The face in the best of these orientations; undefined for no face. */
async function checkTurned(
  networks: Networks,
  image: ImagePyramid,
  orientations: readonly Orientation[],
): Promise<FoundFace | undefined> {
  const face = await chooseClearest(networks, image, orientations);
  if (face === undefined) return undefined;
  const isClear = face.score >= turned.sure && (await face.aligned.norm()) >= turned.norm;
  return isClear || (await isConfirmed(networks, image, face)) ? face : undefined;
}

async function isConfirmed(networks: Networks, image: ImagePyramid, face: FoundFace): Promise<boolean> {
  if ((await face.aligned.norm()) < confirmed.norm) return false;
  const near = await detectNear(networks.blazeFace, image, face);
  // The overlap excludes a box on a part of a face, such as the mouth.
  return (
    near !== undefined && near.score >= confirmed.near && overlap(near, face, 'union') >= confirmed.overlap
  );
}

/** The face in the orientation with the longest vector. */
async function chooseClearest(
  networks: Networks,
  image: ImagePyramid,
  orientations: readonly Orientation[],
): Promise<FoundFace | undefined> {
  let best: FoundFace | undefined;
  for (const detected of (await detectInOrientations(networks.output, image, orientations)).slice(
    0,
    maxCompared,
  )) {
    const face = { ...detected, aligned: alignFace(networks.embedding, image, detected.points) };
    if (best === undefined || (await face.aligned.norm()) > (await best.aligned.norm())) best = face;
  }
  return best;
}

function overlaps(a: Box, b: Box): boolean {
  return overlap(a, b, 'smaller') > 0.5;
}

function largestFirst<Item extends Box>(boxes: readonly Item[]): Item[] {
  return boxes.toSorted((a, b) => area(b) - area(a));
}

function area({ x1, y1, x2, y2 }: Box): number {
  return (x2 - x1) * (y2 - y1);
}

import { detectByBlazeFace, lookCloser, type SecondOpinion } from './blazeFace.ts';
import { overlap, type Box } from './boxes.ts';
import { lookAt, type Look } from './embed.ts';
import type { Picture } from './image/picture.ts';
import { detectByMtcnn, type DetectedFace } from './mtcnn.ts';
import type { Networks } from './sessions.ts';
import { lookUpright, waysAround, waysByEyes, type Way } from './turned.ts';

/** A face, and how it looks to the network that recognises it. */
export type FoundFace = DetectedFace & { look: Look };

export type DetectionLimits = {
  /** Pixels: the shorter side of a face. */
  smallest: number;
  /** Faces; the largest are kept. */
  most: number;
};

/*
 * Three networks have a say: the cascade, the second detector, and the one that recognises faces, whose vectors of
 * what is no face are short. Fists, ears, lit windows and drawings deceive one of them, seldom two. The limits were
 * chosen on scenes made of half of LFW's persons, and on 165 photographs and 101 other pictures without faces.
 */

/** The cascade is believed from `sure` on; below, a face needs a vector of 138 less 100 times the score. */
const upright = { sure: 0.99, together: 138 };
/** Its last network alone is believed less: what it is asked about, the networks before it did not take for a face. */
const turned = { sure: 0.99, norm: 48 };
/** Everything else the second detector has to see from near, and it has to be a face that can be recognised. */
const confirmed = { near: 0.6, norm: 36, overlap: 1 / 3 };
/** How sure the second detector must be of what only it sees, from far, to be asked again from near. */
const worthALookFromNear = 0.5;
/** A shorter vector may come of a face that was not seen the right way up. */
const doubtfulNorm = 52;
/** By how much the vector must gain before the other way up is believed: the cascade's points are the better ones. */
const clearlyLonger = 1.1;
/**
 * At most so many looks are for nothing: at boxes that turn out to be no face, and again at places where none was
 * found, of which a photograph has about five.
 */
const moreLooksAtMost = 64;
/** Of the ways up in which a face can be seen, the likeliest are compared by the length of their vectors. */
const waysCompared = 2;

/** The faces of a picture by two detectors, largest first. */
export async function detectFaces(
  networks: Networks,
  picture: Picture,
  { smallest, most }: DetectionLimits,
): Promise<FoundFace[]> {
  const isLarge = ({ x1, y1, x2, y2 }: Box) => Math.min(x2 - x1, y2 - y1) >= smallest * 0.9;
  const found: FoundFace[] = [];
  const tooSmall: Box[] = [];
  const isFree = (box: Box) => [...found, ...tooSmall].every((face) => !overlaps(face, box));
  const add = (face: FoundFace | undefined) => {
    if (face !== undefined && isLarge(face) && isFree(face)) found.push(face);
  };
  const { faces, candidates } = await detectByMtcnn(networks, picture, smallest);
  tooSmall.push(...faces.filter((face) => !isLarge(face)));
  const opinions = await detectByBlazeFace(networks.second, picture);
  for (const face of largestFirst(faces.filter(isLarge)).slice(0, most + moreLooksAtMost)) {
    if (found.length >= most) break;
    const opinion = opinions.find((other) => overlaps(face, other));
    add(await uprightFace(networks, picture, face, opinion));
  }
  for (const opinion of opinions) {
    if (!isLarge(opinion) || !isFree(opinion)) continue;
    add(await faceBehind(networks, picture, opinion));
  }
  const places = candidates.filter((box) => isLarge(box) && isFree(box)).slice(0, moreLooksAtMost);
  for (const [index, ways] of (await waysAround(networks.refine, picture, places)).entries()) {
    const place = places[index];
    if (place !== undefined && isFree(place)) add(await turnedFace(networks, picture, ways));
  }
  return largestFirst(found).slice(0, most);
}

/** What the cascade found, if it is a face; turned, if it is recognised better so. */
async function uprightFace(
  networks: Networks,
  picture: Picture,
  face: DetectedFace,
  opinion: SecondOpinion | undefined,
): Promise<FoundFace | undefined> {
  const seen = { ...face, look: lookAt(networks.embedding, picture, face.points) };
  const isClear =
    face.score >= upright.sure || 100 * face.score + (await seen.look.norm()) >= upright.together;
  if (!isClear && !(await isConfirmed(networks, picture, seen))) return undefined;
  if (opinion === undefined) return seen;
  const norm = await seen.look.norm();
  if (norm >= doubtfulNorm) return seen;
  const other = await clearest(networks, picture, waysByEyes(opinion));
  if (other === undefined || !overlaps(other, face)) return seen;
  return (await other.look.norm()) > norm * clearlyLonger ? other : seen;
}

/** What the second detector sees, from where it saw it or, if it is rather sure, from near. */
async function faceBehind(
  networks: Networks,
  picture: Picture,
  opinion: SecondOpinion,
): Promise<FoundFace | undefined> {
  const face = await turnedFace(networks, picture, waysByEyes(opinion));
  if (face !== undefined || opinion.score < worthALookFromNear) return face;
  const near = await lookCloser(networks.second, picture, opinion);
  return near === undefined ? undefined : turnedFace(networks, picture, waysByEyes(near));
}

async function turnedFace(
  networks: Networks,
  picture: Picture,
  ways: readonly Way[],
): Promise<FoundFace | undefined> {
  const face = await clearest(networks, picture, ways);
  if (face === undefined) return undefined;
  const isClear = face.score >= turned.sure && (await face.look.norm()) >= turned.norm;
  return isClear || (await isConfirmed(networks, picture, face)) ? face : undefined;
}

async function isConfirmed(networks: Networks, picture: Picture, face: FoundFace): Promise<boolean> {
  if ((await face.look.norm()) < confirmed.norm) return false;
  const near = await lookCloser(networks.second, picture, face);
  // A box on the mouth of a face is not confirmed by that face.
  return (
    near !== undefined && near.score >= confirmed.near && overlap(near, face, 'union') >= confirmed.overlap
  );
}

/** The face in the way up in which it is recognised best. */
async function clearest(
  networks: Networks,
  picture: Picture,
  ways: readonly Way[],
): Promise<FoundFace | undefined> {
  let best: FoundFace | undefined;
  for (const way of (await lookUpright(networks.output, picture, ways)).slice(0, waysCompared)) {
    const face = { ...way, look: lookAt(networks.embedding, picture, way.points) };
    if (best === undefined || (await face.look.norm()) > (await best.look.norm())) best = face;
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

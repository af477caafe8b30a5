import { detectByBlazeFace, type SecondOpinion } from './blazeFace.ts';
import { overlap, type Box } from './boxes.ts';
import { lookAt, type Look } from './embed.ts';
import type { Picture } from './image/picture.ts';
import { detectByMtcnn, type DetectedFace } from './mtcnn.ts';
import type { Networks } from './sessions.ts';
import { lookUpright } from './turned.ts';

/** A face, and how it looks to the network that recognises it. */
export type FoundFace = DetectedFace & { look: Look };

export type DetectionLimits = {
  /** Pixels: the shorter side of a face. */
  smallest: number;
  /** Faces; the largest are kept. */
  most: number;
};

// Sure by itself, or confirmed by the second detector: drawings, masks and textures are what falls in between.
const sure = 0.9;
const confirmedBy = 0.4;
/** What only the second detector sees counts from here, if the cascade agrees and it can be recognised at all. */
const worthAnotherLook = 0.5;
/** Fists and collars that both detectors take for faces have embeddings shorter than this, clear faces 60 and more. */
const recognisableNorm = 40;
/** An embedding shorter than this may come of a face that was not seen the right way up. */
const doubtfulNorm = 52;

/** The faces of a picture by two detectors, largest first. */
export async function detectFaces(
  networks: Networks,
  picture: Picture,
  { smallest, most }: DetectionLimits,
): Promise<FoundFace[]> {
  const isLarge = ({ x1, y1, x2, y2 }: Box) => Math.min(x2 - x1, y2 - y1) >= smallest * 0.9;
  const byCascade = (await detectByMtcnn(networks, picture, smallest)).filter(isLarge);
  const opinions = await detectByBlazeFace(networks.second, picture);
  const confirming = opinions.filter(({ score }) => score >= confirmedBy);
  const isReal = (face: DetectedFace) =>
    face.score >= sure || confirming.some((other) => overlaps(face, other));
  const faces: FoundFace[] = [];
  for (const face of largestFirst(byCascade.filter(isReal)).slice(0, most)) {
    const look = await lookAt(networks.embedding, picture, face.points);
    const opinion = opinions.find((other) => overlaps(face, other));
    const upright =
      opinion === undefined || look.norm >= doubtfulNorm
        ? undefined
        : await anotherLook(networks, picture, opinion);
    const isBetter = upright !== undefined && upright.look.norm > look.norm;
    faces.push(isBetter ? upright : { ...face, look });
  }
  for (const opinion of opinions) {
    if (opinion.score < worthAnotherLook || faces.some((face) => overlaps(face, opinion))) continue;
    const face = await anotherLook(networks, picture, opinion);
    if (face !== undefined && isLarge(face)) faces.push(face);
  }
  return largestFirst(faces).slice(0, most);
}

/** The face that the second detector sees, the way up in which it is recognised best. */
async function anotherLook(
  networks: Networks,
  picture: Picture,
  opinion: SecondOpinion,
): Promise<FoundFace | undefined> {
  const looks: FoundFace[] = [];
  for (const face of await lookUpright(networks.output, picture, opinion)) {
    looks.push({ ...face, look: await lookAt(networks.embedding, picture, face.points) });
  }
  return looks
    .filter(({ look }) => look.norm >= recognisableNorm)
    .toSorted((a, b) => b.look.norm - a.look.norm)[0];
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

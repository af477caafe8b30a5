import type { FastifyRequest } from 'fastify';
import { faults } from './faults.ts';
import { ImageRefused, type AnalyzedFace, type Vision } from './vision.ts';

/** The contract says 1 KB and 6 MB; read here as powers of two. */
const smallestBytes = 1_024;
export const largestBytes = 6 * 1024 * 1024;
const downloadTimeoutMs = 10_000;

const signatures = {
  jpeg: [0xff, 0xd8, 0xff],
  png: [0x89, 0x50, 0x4e, 0x47],
  gif: [0x47, 0x49, 0x46, 0x38],
  bmp: [0x42, 0x4d],
} as const;

/** The picture of a request: its bytes, or downloaded from the URL that its JSON names. */
export async function readPicture(request: FastifyRequest): Promise<Uint8Array> {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  const body = request.body;
  if (!(body instanceof Uint8Array)) throw type === undefined ? faults.mediaType() : faults.body();
  if (type === 'application/octet-stream') return checked(body);
  if (type !== 'application/json') throw faults.mediaType();
  const { url } = parseJson(body) as { url?: unknown };
  if (typeof url !== 'string') throw faults.body();
  return checked(await download(url));
}

export function parseJson(body: unknown): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body as Uint8Array).toString('utf8'));
  } catch {
    throw faults.json();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw faults.body();
  return value as Record<string, unknown>;
}

function checked(bytes: Uint8Array): Uint8Array {
  if (bytes.length < smallestBytes) throw faults.tooSmall();
  if (bytes.length > largestBytes) throw faults.tooBig();
  const known = Object.values(signatures).some((signature) =>
    signature.every((byte, index) => bytes[index] === byte),
  );
  if (!known) throw faults.decoding();
  return bytes;
}

async function download(text: string): Promise<Uint8Array> {
  try {
    const url = new URL(text);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw faults.url();
    const response = await fetch(url, { signal: AbortSignal.timeout(downloadTimeoutMs) });
    if (!response.ok || response.body === null) throw faults.url();
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > largestBytes) throw faults.tooBig();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    throw error instanceof Error && error.name === 'FaceFault' ? error : faults.url();
  }
}

/** The faces of a picture, largest first. */
export async function analyze(vision: Vision, bytes: Uint8Array): Promise<AnalyzedFace[]> {
  try {
    return (await vision.analyze(bytes)).faces;
  } catch (error) {
    if (error instanceof ImageRefused) {
      throw { not_decodable: faults.decoding, too_small: faults.tooSmall, too_big: faults.tooBig }[
        error.fault
      ]();
    }
    if (error instanceof Error && error.message.includes('queue')) throw faults.busy();
    throw error;
  }
}

/** The one face of a picture, or of the part of it that `targetFace` names: `left,top,width,height`. */
export function onlyFace(faces: readonly AnalyzedFace[], targetFace: string | undefined): AnalyzedFace {
  const target = targetFace === undefined || targetFace === '' ? undefined : readTarget(targetFace);
  const inside =
    target === undefined ? faces : faces.filter((face) => overlapOf(face.rectangle, target) > 0.4);
  const [face, ...others] = inside.toSorted((a, b) =>
    target === undefined ? 0 : overlapOf(b.rectangle, target) - overlapOf(a.rectangle, target),
  );
  if (face === undefined) throw faults.noFace();
  if (others.length > 0 && target === undefined) throw faults.severalFaces();
  return face;
}

type Rectangle = AnalyzedFace['rectangle'];

function readTarget(text: string): Rectangle {
  const numbers = text.split(',').map(Number);
  const [left = 0, top = 0, width = 0, height = 0] = numbers;
  if (numbers.length !== 4 || numbers.some((value) => !Number.isInteger(value))) {
    throw faults.badArgument('Invalid argument targetFace.');
  }
  if (left < 0 || top < 0 || width <= 0 || height <= 0)
    throw faults.badArgument('Argument targetFace out of range.');
  return { left, top, width, height };
}

/** The share of the smaller one that both have. */
function overlapOf(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / Math.min(a.width * a.height, b.width * b.height);
}

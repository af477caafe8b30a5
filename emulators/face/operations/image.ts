import { faults, FaceFault } from '../contract/faults.ts';
import type { Call } from './call.ts';
import { readMapped, type UrlMap } from './urlMap.ts';

/** The Face API documents 1 KB and 6 MB; read as powers of two. */
const smallestBytes = 1_024;
export const largestBytes = 6 * 1024 * 1024;

const signatures = {
  jpeg: [0xff, 0xd8, 0xff],
  png: [0x89, 0x50, 0x4e, 0x47],
  gif: [0x47, 0x49, 0x46, 0x38],
  bmp: [0x42, 0x4d],
} as const;

export type ImageSources = {
  /** Limit of a download. */
  urlTimeoutMs: number;
  urlMaps: readonly UrlMap[];
};

/** The image of a call: its body, or the content of the URL in its JSON. @throws FaceFault */
export async function readImage({ image, json }: Call, sources: ImageSources): Promise<Uint8Array> {
  if (image !== undefined) return checkImage(image);
  const { url } = json();
  if (typeof url !== 'string') throw faults.body();
  const mapped = await readMapped(sources.urlMaps, url, largestBytes);
  return checkImage(mapped ?? (await download(url, sources.urlTimeoutMs)));
}

function checkImage(bytes: Uint8Array): Uint8Array {
  if (bytes.length < smallestBytes) throw faults.tooSmall();
  if (bytes.length > largestBytes) throw faults.tooBig();
  const isKnown = Object.values(signatures).some((signature) =>
    signature.every((byte, index) => bytes[index] === byte),
  );
  if (!isKnown) throw faults.decoding();
  return bytes;
}

/** Any address is allowed, this machine's too: the service listens on this machine only, and calls need its key. */
async function download(text: string, timeoutMs: number): Promise<Uint8Array> {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') throw faults.url();
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok || response.body === null) throw faults.download();
    if (Number(response.headers.get('content-length')) > largestBytes) {
      await response.body.cancel();
      throw faults.tooBig();
    }
    return await readBounded(response.body);
  } catch (error) {
    throw error instanceof FaceFault ? error : faults.download();
  }
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > largestBytes) throw faults.tooBig();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

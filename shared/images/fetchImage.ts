import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Agent, request, type Dispatcher } from 'undici';
import { RollcallError } from '../errors/errors.ts';
import { largestImageBytes } from '../config/resources.ts';
import { isPublic } from './publicAddress.ts';

const timeoutMs = 10_000;
const redirectsAtMost = 3;
const redirects = new Set([301, 302, 303, 307, 308]);

/** The way to the internet. */
export type Network = {
  /** Every address of a host. */
  resolve(host: string): Promise<readonly { address: string }[]>;
  /** Connections to this address, whatever the host of a URL resolves to by then. */
  connectTo(address: string): Dispatcher;
};

const internet: Network = {
  resolve: (host) => lookup(host, { all: true }),
  connectTo: (address) => pinnedTo(address),
};

/** Connects to this address only; the host of a URL stays the name that the certificate has to be for. */
export function pinnedTo(address: string, options: { ca?: string } = {}): Agent {
  return new Agent({
    connect: {
      ...options,
      lookup: (_host, _options, callback) => callback(null, [{ address, family: isIP(address) }]),
    },
  });
}

/**
 * Downloads a picture from a public https URL. Every hop is resolved first, checked against private, link-local and
 * other special networks, and connected to at exactly the checked address; size, time and redirects are bounded.
 * @throws RollcallError url_refused, image_too_large
 */
export async function fetchImage(
  url: string,
  network: Network = internet,
  limitMs = timeoutMs,
): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(limitMs);
  let target = url;
  for (let hop = 0; hop <= redirectsAtMost; hop += 1) {
    const answer = await get(parse(target), network, signal);
    if ('bytes' in answer) return answer.bytes;
    target = answer.location;
  }
  throw new RollcallError('url_refused', 'The URL redirects too often.');
}

function parse(url: string): URL {
  if (URL.canParse(url)) return new URL(url);
  throw new RollcallError('url_refused', 'It is not a URL.');
}

async function get(
  url: URL,
  network: Network,
  signal: AbortSignal,
): Promise<{ bytes: Uint8Array } | { location: string }> {
  const dispatcher = network.connectTo(await publicAddress(url, network, signal));
  try {
    const response = await request(url, { signal, dispatcher });
    const { location } = response.headers;
    if (redirects.has(response.statusCode) && typeof location === 'string') {
      await response.body.dump();
      return { location: URL.canParse(location, url.href) ? new URL(location, url).href : location };
    }
    if (response.statusCode !== 200) {
      await response.body.dump();
      throw new RollcallError('url_refused', `The server answered ${response.statusCode}.`);
    }
    // The caller of a server that says so has not downloaded a byte of it.
    if (Number(response.headers['content-length'] ?? 0) > largestImageBytes) throw tooLarge();
    return { bytes: await bounded(response.body) };
  } catch (error) {
    if (error instanceof RollcallError) throw error;
    throw new RollcallError('url_refused', 'The server did not answer in time, or the connection broke.', {
      cause: error,
    });
  } finally {
    await dispatcher.destroy();
  }
}

async function bounded(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > largestImageBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): RollcallError {
  return new RollcallError('image_too_large', 'The picture is over 64 MB.');
}

async function publicAddress(url: URL, network: Network, signal: AbortSignal): Promise<string> {
  if (url.protocol !== 'https:') throw new RollcallError('url_refused', 'Only https is fetched.');
  if (url.username !== '' || url.password !== '')
    throw new RollcallError('url_refused', 'The URL holds credentials.');
  if (url.port !== '') throw new RollcallError('url_refused', 'Only the standard port is fetched.');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = await orAborted(network.resolve(host), signal).catch((error: unknown) => {
    throw notPublic(error);
  });
  const [first] = addresses;
  if (first === undefined || addresses.some(({ address }) => !isPublic(address))) throw notPublic();
  return first.address;
}

/** One sentence for both: a caller does not learn which names there are on the network of this app. */
function notPublic(cause?: unknown): RollcallError {
  return new RollcallError('url_refused', 'The host has no address on the public internet.', { cause });
}

/** The system's resolver cannot be stopped, but nobody has to wait for it. */
function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    promise.then(resolve, reject);
  });
}

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Agent, request, type Dispatcher } from 'undici';
import { RollcallError } from '../errors/errors.ts';
import { largestImageBytes } from '../config/resources.ts';
import { isPublic } from './publicAddress.ts';

const timeoutMs = 10_000;
const redirectsAtMost = 3;
const redirects = new Set([301, 302, 303, 307, 308]);

/** Name resolution and connections, replaced in tests. */
export type Network = {
  /** Resolves all addresses of a host. */
  resolve(host: string): Promise<readonly { address: string }[]>;
  /** Opens connections to this address only, even if the host of the URL resolves to another address by then. */
  connectTo(address: string): Dispatcher;
};

const internet: Network = {
  resolve: (host) => lookup(host, { all: true }),
  connectTo: (address) => pinnedTo(address),
};

/** Connects to this address only. The TLS certificate is still checked against the host of the URL. */
export function pinnedTo(address: string, options: { ca?: string } = {}): Agent {
  return new Agent({
    connect: {
      ...options,
      lookup: (_host, _options, callback) => callback(null, [{ address, family: isIP(address) }]),
    },
  });
}

/**
 * Downloads an image from a public https URL. The host of every hop is resolved and checked against private, link-local
 * and other special networks. The connection uses exactly the checked address. Size, time and redirects are limited.
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
    // Refuses an image that is too large by its Content-Length before the body is read.
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

/**
 * The error for a host that does not resolve and for a host with a private address. Both have one message, so that a
 * caller cannot find out which names exist in the network of the app.
 */
function notPublic(cause?: unknown): RollcallError {
  return new RollcallError('url_refused', 'The host has no address on the public internet.', { cause });
}

/** Rejects when the signal aborts, without waiting for `promise`: the resolver of the system cannot be cancelled. */
function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    promise.then(resolve, reject);
  });
}

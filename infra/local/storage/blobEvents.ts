import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** What happened to a blob. */
export type BlobChange = {
  event: 'created' | 'deleted';
  api: string;
  container: string;
  /** Decoded. */
  blob: string;
};

/**
 * Watches the requests of Azurite's blob server. Told before the answer leaves: `PUT` of a blob (201), of its block
 * list (201) or as a copy (202), and `DELETE` of a blob (202). Blocks, metadata, properties, tags, snapshots and
 * leases are no events, nor is what failed.
 */
export function watchBlobs(server: Server, onChange: (change: BlobChange) => void): void {
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
    response.writeHead = (...args: unknown[]) => {
      const status = typeof args[0] === 'number' ? args[0] : response.statusCode;
      const change = changeOf(request, status);
      if (change !== undefined) onChange(change);
      return writeHead(...args);
    };
  });
}

export function changeOf(
  { method, url = '', headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  status: number,
): BlobChange | undefined {
  const { pathname, searchParams } = new URL(url, 'http://127.0.0.1');
  // /account/container/blob…
  const [, , container = '', ...rest] = pathname.split('/');
  const blob = rest.join('/');
  if (blob === '' || searchParams.has('restype')) return undefined;
  const place = { container: decodeURIComponent(container), blob: decodeURIComponent(blob) };
  const comp = searchParams.get('comp');
  if (method === 'DELETE' && status === 202 && comp === null && !searchParams.has('snapshot')) {
    return { event: 'deleted', api: 'DeleteBlob', ...place };
  }
  if (method !== 'PUT') return undefined;
  if (comp === 'blocklist' && status === 201) return { event: 'created', api: 'PutBlockList', ...place };
  if (comp !== null) return undefined;
  if (headers['x-ms-copy-source'] !== undefined && status === 202)
    return { event: 'created', api: 'CopyBlob', ...place };
  return status === 201 ? { event: 'created', api: 'PutBlob', ...place } : undefined;
}

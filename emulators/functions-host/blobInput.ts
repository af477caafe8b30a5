import { buffer } from 'node:stream/consumers';
import type { BlobGetPropertiesResponse } from '@azure/storage-blob';
import type { TypedData } from './core.ts';
import type { InvocationInput } from './invoke.ts';
import { BlobServiceClient, RestError } from './storageClients.ts';

/** A read on a connection that looks open and is dead ends after this time: the message is retried. */
const readBlobMs = 10_000;

export type BlobSource = {
  connectionString: string;
  container: string;
  blob: string;
  /** The path of the binding, with `{names}`. */
  pattern: string;
};

/** Reads a blob and its properties as the real host hands them over. Undefined when the blob is gone. */
export async function fetchBlobInput(source: BlobSource): Promise<InvocationInput | undefined> {
  const service = BlobServiceClient.fromConnectionString(source.connectionString);
  const client = service.getContainerClient(source.container).getBlobClient(source.blob);
  const abortSignal = AbortSignal.timeout(readBlobMs);
  try {
    const properties = await client.getProperties({ abortSignal });
    const { readableStreamBody } = await client.download(undefined, undefined, { abortSignal });
    const bytes = readableStreamBody === undefined ? Buffer.alloc(0) : await buffer(readableStreamBody);
    return toInput(source, client.url, properties, bytes);
  } catch (error) {
    if (error instanceof RestError && error.statusCode === 404) return undefined;
    throw error;
  }
}

function toInput(
  { container, blob, pattern }: BlobSource,
  url: string,
  { lastModified, contentLength, contentType, etag, metadata = {} }: BlobGetPropertiesResponse,
  bytes: Buffer,
): InvocationInput {
  const path = `${container}/${blob}`;
  const properties = {
    LastModified: lastModified,
    ContentLength: contentLength,
    ContentType: contentType,
    ETag: etag,
    Metadata: metadata,
  };
  const captured = Object.entries(captureNames(pattern, path));
  const triggerMetadata: Record<string, TypedData> = {
    BlobTrigger: { string: path },
    Uri: { json: JSON.stringify(url) },
    Properties: { json: JSON.stringify(properties) },
    Metadata: { json: JSON.stringify(metadata) },
    ...Object.fromEntries(captured.map(([name, value]) => [name, { string: value }])),
  };
  return {
    data: { bytes },
    triggerMetadata,
    reason: `New blob detected(EventGrid): ${path}`,
    details: { BlobLastModified: lastModified?.toISOString() },
  };
}

/** The values of the `{names}` in the pattern of a blob path. */
function captureNames(pattern: string, path: string): Record<string, string> {
  const expression = pattern
    .replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/\{(\w+)\}/g, '(?<$1>.*)');
  return { ...new RegExp(`^${expression}$`, 's').exec(path)?.groups };
}

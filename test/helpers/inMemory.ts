import { Readable } from 'node:stream';
import { RestError } from '@azure/storage-blob';
import type { Clients } from '../../shared/clients.ts';
import { RollcallError } from '../../shared/errors.ts';
import type { FaceClient } from '../../shared/face/client.ts';
import { problemOf } from '../../shared/http/problem.ts';
import type { ApiRequest } from '../../shared/http/route.ts';
import { routes } from '../../shared/http/routes.ts';
import { createRollcall, type Rollcall } from '../../shared/rollcall.ts';
import { readSettings } from '../../shared/settings.ts';
import { expectDocumented } from './documented.ts';

type Row = { etag: string; properties: Record<string, unknown> };
type Action = [string, Record<string, unknown>, unknown?, { etag?: string }?];
type Blob = { bytes: Uint8Array; size?: number; writtenAt: number };

export type Asked = {
  headers?: Record<string, string>;
  body?: Uint8Array | string;
};

export type InMemory = ReturnType<typeof inMemory>;

/**
 * The HTTP API on storage in memory, with a Face that does what a test says: for what can be told without the stack.
 * Its clock stands still unless it is moved.
 */
export function inMemory({
  face = {},
  settings = {},
  fetchPicture,
}: {
  face?: Partial<FaceClient>;
  settings?: Record<string, string>;
  fetchPicture?: (url: string) => Promise<Uint8Array>;
} = {}) {
  const clock = { now: Date.parse('2026-01-01T00:00:00Z') };
  const blobs = new Map<string, Blob>();
  const tables = new Map<string, Map<string, Row>>();
  /** Called before each access to storage: to break it, or to let something happen just then. */
  const before = { access: (_what: string): void | Promise<void> => undefined };
  /** The most rows of each table that were read at the same time. */
  const mostReads = new Map<string, number>();

  const answer = async <Value>(what: string, action: () => Value): Promise<Value> => {
    await before.access(what);
    return action();
  };
  const created = createRollcall({
    settings: readSettings({ FACE_ENDPOINT: 'http://face.invalid', FACE_QUOTA: 'none', ...settings }),
    clients: {
      blobs: blobService(blobs, clock, answer),
      queues: { getQueueClient: () => ({ exists: () => Promise.resolve(false) }) },
      table: (name: string) => table(tables, name, answer, mostReads),
      serviceBus: {
        createSender: (queue: string) => ({
          sendMessages: () => answer(`send ${queue}`, () => undefined),
          close: () => Promise.resolve(),
        }),
        createReceiver: () => ({
          receiveMessages: () => answer('receive', () => []),
          close: () => Promise.resolve(),
        }),
      },
    } as unknown as Clients,
    credential: { key: 'x' },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    now: () => clock.now,
    face: { interactive: faceOf(face), background: faceOf(face) },
  });
  const rollcall: Rollcall = fetchPicture === undefined ? created : { ...created, fetchPicture };

  return {
    rollcall,
    clock,
    blobs,
    before,
    mostReads,
    /** Rows of a table whose keys begin so. */
    rows: (name: string, prefix = ''): string[] =>
      [...(tables.get(name)?.keys() ?? [])].filter((key) => key.split('\n')[1]?.startsWith(prefix) === true),

    /** Asks as a caller over HTTP does; what comes back has to be documented. */
    async call(method: string, target: string, { headers = {}, body = '' }: Asked = {}) {
      const url = new URL(`/api/${target}`, 'http://rollcall.invalid');
      const found = routes.flatMap((route) => {
        const params = route.method === method ? paramsOf(route.path, url.pathname.slice(5)) : undefined;
        return params === undefined ? [] : [{ route, params }];
      });
      const [{ route, params } = { route: undefined, params: {} }] = found;
      if (route === undefined) throw new Error(`no route ${method} ${target}`);
      const request: ApiRequest = {
        method,
        path: url.pathname,
        params,
        query: Object.fromEntries(url.searchParams),
        header: (name) => headers[name],
        async body(limit, tooLarge) {
          const bytes = typeof body === 'string' ? Buffer.from(body) : body;
          if (bytes.length > limit) throw new RollcallError(tooLarge);
          return bytes;
        },
      };
      const given = await route.handle(request, rollcall).catch(problemOf);
      const answered = { status: 200, ...given };
      const json: unknown = JSON.parse(JSON.stringify(answered.body));
      expectDocumented(method, target, answered.status, json);
      return { ...answered, body: json };
    },
  };
}

function paramsOf(template: string, path: string): Record<string, string> | undefined {
  const pattern = template.replaceAll(/\{\*(\w+)\}/g, '(?<$1>.+)').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  const match = new RegExp(`^${pattern}$`).exec(path);
  const groups = Object.entries(match?.groups ?? {});
  return match === null
    ? undefined
    : Object.fromEntries(groups.map(([name, value]) => [name, decodeURIComponent(value)]));
}

const failure = (statusCode: number) => new RestError(String(statusCode), { statusCode });
type Answer = <Value>(what: string, action: () => Value) => Promise<Value>;

function blobService(blobs: Map<string, Blob>, clock: { now: number }, answer: Answer) {
  const seconds = (time: number) => new Date(Math.floor(time / 1_000) * 1_000);
  const of = (path: string): Blob => {
    const blob = blobs.get(path);
    if (blob === undefined) throw failure(404);
    return blob;
  };
  return {
    getContainerClient: (container: string) => ({
      getProperties: () => answer('container', () => ({ date: seconds(clock.now) })),
      listBlobsFlat: ({ prefix }: { prefix: string }) => ({
        async *byPage() {
          const blobItems = [...blobs]
            .filter(([path]) => path.startsWith(`${container}/${prefix}`))
            .map(([path, { bytes, writtenAt }]) => ({
              name: path.slice(container.length + 1),
              properties: {
                etag: `"${writtenAt}"`,
                contentLength: bytes.length,
                lastModified: seconds(writtenAt),
              },
            }));
          yield await answer('list blobs', () => ({ segment: { blobItems }, continuationToken: '' }));
        },
      }),
      getBlobClient: (name: string) => ({
        getProperties: () =>
          answer('blob', () => {
            const { bytes, size = bytes.length, writtenAt } = of(`${container}/${name}`);
            return { etag: `"${writtenAt}"`, contentLength: size, lastModified: seconds(writtenAt) };
          }),
        delete: () =>
          answer('delete', () => {
            of(`${container}/${name}`);
            blobs.delete(`${container}/${name}`);
          }),
        download: () =>
          answer('download', () => ({
            readableStreamBody: Readable.from([Buffer.from(of(`${container}/${name}`).bytes)]),
          })),
      }),
    }),
  };
}

function table(
  tables: Map<string, Map<string, Row>>,
  name: string,
  answer: Answer,
  mostReads: Map<string, number>,
) {
  const rows = tables.get(name) ?? new Map<string, Row>();
  tables.set(name, rows);
  const keyOf = (entity: Record<string, unknown>) =>
    `${String(entity['partitionKey'])}\n${String(entity['rowKey'])}`;
  let changes = 0;
  let reading = 0;
  const check = ([kind, entity, , options]: Action): void => {
    const row = rows.get(keyOf(entity));
    const etag = kind === 'delete' ? (entity['etag'] as string | undefined) : options?.etag;
    if (kind === 'create' && row !== undefined) throw failure(409);
    if ((kind === 'update' || kind === 'delete') && row === undefined) throw failure(404);
    if (etag !== undefined && row?.etag !== etag) throw failure(412);
  };
  const apply = ([kind, { partitionKey, rowKey, etag: _etag, ...properties }]: Action): void => {
    const key = keyOf({ partitionKey, rowKey });
    changes += 1;
    if (kind === 'delete') rows.delete(key);
    else rows.set(key, { etag: `"${changes}"`, properties });
  };
  return {
    async getEntity(partitionKey: string, rowKey: string) {
      reading += 1;
      mostReads.set(name, Math.max(mostReads.get(name) ?? 0, reading));
      try {
        return await answer(`get ${name}`, () => {
          const row = rows.get(keyOf({ partitionKey, rowKey }));
          if (row === undefined) throw failure(404);
          return { ...row.properties, partitionKey, rowKey, etag: row.etag };
        });
      } finally {
        reading -= 1;
      }
    },
    async *listEntities({ queryOptions: { filter } }: { queryOptions: { filter: string } }) {
      const [, partitionKey = '', from = '', until = ''] =
        /^PartitionKey eq '(.*)' and RowKey ge '(.*)' and RowKey lt '(.*)'$/s.exec(filter) ?? [];
      const sorted = await answer(`list ${name}`, () => [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      for (const [key, { etag, properties }] of sorted) {
        const [partition = '', rowKey = ''] = key.split('\n');
        if (partition === partitionKey && rowKey >= from && rowKey < until)
          yield { ...properties, partitionKey, rowKey, etag };
      }
    },
    submitTransaction: (actions: Action[]) =>
      answer(`write ${name}`, () => {
        for (const action of actions) check(action);
        for (const action of actions) apply(action);
      }),
  };
}

/** What a test did not expect to be asked is refused. */
function faceOf(face: Partial<FaceClient>): FaceClient {
  return new Proxy(face as FaceClient, {
    get(target, operation: string) {
      const asked: unknown = Reflect.get(target, operation);
      return asked ?? (() => Promise.reject(new Error(`Face was asked to ${operation}`)));
    },
  });
}

import type { Clients } from '../../shared/app/clients.ts';
import { RollcallError } from '../../shared/errors/errors.ts';
import type { FaceClient } from '../../shared/face/client.ts';
import { toProblem } from '../../shared/http/problem.ts';
import type { ApiRequest } from '../../shared/http/route.ts';
import { routes } from '../../shared/http/routes.ts';
import { createRollcall, type Rollcall } from '../../shared/app/rollcall.ts';
import { readSettings } from '../../shared/config/settings.ts';
import { expectDocumented } from './documented.ts';
import { memoryBlobs, memoryTable, type MemoryBlob, type MemoryRows } from './memoryStorage.ts';

export type Asked = {
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  caller?: string;
};

export type InMemory = ReturnType<typeof inMemory>;

/**
 * The HTTP API on storage in memory, with a Face that does what a test says: for what can be told without the stack.
 * Its clock stands still unless it is moved.
 */
export function inMemory({
  face = {},
  settings = {},
  fetchImage,
}: {
  face?: Partial<FaceClient>;
  settings?: Record<string, string>;
  fetchImage?: (url: string) => Promise<Uint8Array>;
} = {}) {
  const clock = { now: Date.parse('2026-01-01T00:00:00Z') };
  const blobs = new Map<string, MemoryBlob>();
  const tables = new Map<string, MemoryRows>();
  /** Called before each access to storage: to break it, or to let something happen just then. */
  const before = { access: (_what: string): void | Promise<void> => undefined };
  /** The most rows of each table that were read at the same time. */
  const mostReads = new Map<string, number>();
  let etags = 0;

  const answer = async <Value>(what: string, action: () => Value): Promise<Value> => {
    await before.access(what);
    return action();
  };
  function table(name: string) {
    const rows: MemoryRows = tables.get(name) ?? new Map();
    tables.set(name, rows);
    let reading = 0;
    const read: typeof answer = async (what, action) => {
      reading += 1;
      mostReads.set(name, Math.max(mostReads.get(name) ?? 0, reading));
      try {
        return await answer(what, action);
      } finally {
        reading -= 1;
      }
    };
    return memoryTable(name, rows, { read, write: answer }, () => `"${(etags += 1)}"`);
  }
  const created = createRollcall({
    settings: readSettings({ FACE_ENDPOINT: 'http://face.invalid', FACE_QUOTA: 'none', ...settings }),
    clients: {
      blobs: memoryBlobs(blobs, { read: answer, write: answer }, { now: () => clock.now }),
      queues: { getQueueClient: () => ({ exists: () => Promise.resolve(false) }) },
      table,
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
  const rollcall: Rollcall = fetchImage === undefined ? created : { ...created, fetchImage };

  return {
    rollcall,
    clock,
    /** The client of a table. */
    table,
    blobs,
    before,
    mostReads,
    /** Rows of a table whose keys begin so. */
    rows: (name: string, prefix = ''): string[] =>
      [...(tables.get(name)?.values() ?? [])]
        .flatMap((rows) => [...rows.keys()])
        .filter((rowKey) => rowKey.startsWith(prefix)),

    /** Asks as a caller over HTTP does; what comes back has to be documented. */
    async call(method: string, target: string, { headers = {}, body = '', caller = '' }: Asked = {}) {
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
        route: route.name,
        caller: () => caller,
        params,
        query: Object.fromEntries(url.searchParams),
        header: (name) => headers[name],
        async body(limit, tooLarge) {
          const bytes = typeof body === 'string' ? Buffer.from(body) : body;
          if (bytes.length > limit) throw new RollcallError(tooLarge);
          return bytes;
        },
      };
      const given = await route.handle(request, rollcall).catch(toProblem);
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

/** What a test did not expect to be asked is refused. */
function faceOf(face: Partial<FaceClient>): FaceClient {
  return new Proxy(face as FaceClient, {
    get(target, operation: string) {
      const asked: unknown = Reflect.get(target, operation);
      return asked ?? (() => Promise.reject(new Error(`Face was asked to ${operation}`)));
    },
  });
}

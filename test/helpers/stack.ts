import { readFileSync } from 'node:fs';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { inject } from 'vitest';
import { faceCalls } from '../../cli/faceCalls.ts';
import { startStack, type Endpoints, type Stack, type StackOptions } from '../../emulators/stack/stack.ts';
import { noGroup, placeOf } from '../../shared/images/imagePath.ts';
import { expectDocumented } from './documented.ts';
import { eventually } from './eventually.ts';
import { quickSettings } from './quickSettings.ts';
import { temporaryFolder } from './temporary.ts';

export type GroupView = {
  group: string;
  recognitionModel: string;
  persons: number;
  images: Record<string, number>;
  probes: Record<string, number>;
  training: { state: string; covered: boolean; lastTrainedAt?: string; error?: string };
};

export type ImageView = {
  image: string;
  person?: string;
  state: string;
  reason?: string;
  detail?: string;
  faceRectangle?: { left: number; top: number; width: number; height: number };
  persistedFaceId?: string;
};

export type TestStack = Awaited<ReturnType<typeof startTestStack>>;

type Options = {
  dataDir?: string;
  faceTps?: number | 'none';
  trainingTime?: StackOptions['trainingTime'];
  instances?: number;
  auth?: boolean;
  settings?: StackOptions['settings'];
  /** A Face service to use instead of the stack's own. */
  face?: { endpoint: string; key: string };
};

/** A whole embedded stack, as `npm start` runs it, for a file whose tests cannot use the shared one. */
export async function startTestStack({
  dataDir,
  faceTps = 'none',
  trainingTime = 'none',
  auth = false,
  instances = 1,
  settings = {},
  face,
}: Options = {}) {
  const folder = dataDir === undefined ? await temporaryFolder() : undefined;
  const log: string[] = [];
  const stack: Stack = await startStack({
    port: 0,
    dataDir: dataDir ?? folder?.path ?? '',
    faceTps,
    trainingTime,
    auth,
    instances,
    output: (line) => void log.push(line),
    ...(face === undefined ? {} : { face }),
    settings: (addresses) => ({
      ...quickSettings,
      ...(typeof settings === 'function' ? settings(addresses) : settings),
    }),
  });
  return {
    ...connectTo(stack.endpoints),
    stack,
    /** The lines that the parts have written. */
    log: (): readonly string[] => log,
    async close(): Promise<void> {
      await stack.stop();
      await folder?.remove();
    },
  };
}

export type SharedStack = ReturnType<typeof useSharedStack>;

/** The stack that the files of `test/app` share. A file uses groups of its own. */
export function useSharedStack() {
  const { endpoints, dataDir, logFile, processes } = inject('sharedStack');
  return {
    ...connectTo(endpoints),
    dataDir,
    processes,
    log: (): readonly string[] => readFileSync(logFile, 'utf8').split('\n'),
  };
}

/** What tests ask of a stack that runs, whoever started it. */
function connectTo(endpoints: Endpoints) {
  const { http, face, faceKey, storageConnectionString } = endpoints;
  const blobs = BlobServiceClient.fromConnectionString(storageConnectionString, {
    retryOptions: { maxTries: 6 },
  });
  const container = (name: string): ContainerClient => blobs.getContainerClient(name);

  async function api(
    path: string,
    init: RequestInit = {},
  ): Promise<{ status: number; headers: Headers; body: unknown }> {
    const response = await fetch(`${http}/api/${path}`, init);
    const text = await response.text();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    // Every answer that a test sees has to be documented.
    expectDocumented(init.method ?? 'GET', path, response.status, body, response.headers);
    return { status: response.status, headers: response.headers, body };
  }

  async function get<Answer>(path: string): Promise<Answer> {
    const { status, body } = await api(path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return body as Answer;
  }

  /** What Face itself holds of a group: its persons with their faces. */
  async function faceOf(
    group: string,
  ): Promise<{ personId: string; name: string; persistedFaceIds: string[] }[]> {
    const response = await fetch(`${face}/face/v1.2/largepersongroups/${group}/persons`, {
      headers: { 'ocp-apim-subscription-key': faceKey },
    });
    if (response.status === 404) return [];
    return (await response.json()) as { personId: string; name: string; persistedFaceIds: string[] }[];
  }

  async function imageAt(path: string): Promise<ImageView | undefined> {
    const place = placeOf(path);
    const list = place.group === noGroup ? 'images' : `groups/${place.group}/images`;
    const ofPerson =
      place.kind !== 'enroll' || place.person === undefined
        ? ''
        : `&person=${encodeURIComponent(place.person)}`;
    const { status, body } = await api(`${list}?top=1000${ofPerson}`);
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`GET ${list}: ${status} ${JSON.stringify(body)}`);
    return (body as { items: ImageView[] }).items.find(({ image }) => image === path);
  }

  return {
    endpoints,
    http,
    api,
    get,
    faceOf,
    drop: (path: string, bytes: Uint8Array) => {
      const slash = path.indexOf('/');
      return container(path.slice(0, slash))
        .getBlockBlobClient(path.slice(slash + 1))
        .upload(bytes, bytes.length);
    },
    remove: (path: string) => {
      const slash = path.indexOf('/');
      return container(path.slice(0, slash))
        .getBlobClient(path.slice(slash + 1))
        .delete();
    },
    /** Comes back when Face did not answer in time, as a caller does: on a busy machine a large picture takes long. */
    postPicture: (path: string, bytes: Uint8Array) =>
      eventually(`${path} is answered`, async () => {
        const answer = await api(path, {
          method: 'POST',
          headers: { 'content-type': 'application/octet-stream' },
          body: new Uint8Array(bytes),
        });
        return answer.status === 503 ? undefined : answer;
      }),
    postJson: (path: string, body: unknown) =>
      api(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    group: (name: string) => get<GroupView>(`groups/${name}`),
    image: imageAt,
    /** Waits until a picture has come to one of these states. */
    async settled(path: string, ...states: string[]): Promise<ImageView> {
      return eventually(`${path} is ${states.join(' or ')}`, async () => {
        const found = await imageAt(path);
        return found !== undefined && states.includes(found.state) ? found : undefined;
      });
    },
    covered: (name: string) =>
      eventually(`${name} is trained`, async () => {
        const view = await get<GroupView>(`groups/${name}`);
        return view.training.covered && view.training.lastTrainedAt !== undefined ? view : undefined;
      }),
    calls: () => faceCalls(face),
  };
}

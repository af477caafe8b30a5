import { once } from 'node:events';
import { operations } from '../../../emulators/face/operations/operationTable.ts';
import { startFace, type FaceOptions, type FaceReady } from '../../../emulators/face/service.ts';
import type { ChildMessage } from '../../../emulators/common/childProcess.ts';
import { forkEmulator } from '../../../emulators/stack/emulatorProcess.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { readSpecification } from './specification.ts';

/** Where it is given, every answer of every test is checked against it. */
const specification = readSpecification();

/** `GET /facelists/{}`, …; undefined for a path that is none of the service's. */
function operationOf(method: string, path: string): string | undefined {
  const [asked = ''] = path.split('?', 1);
  const found = operations.find(
    (operation) =>
      operation.method === method &&
      new RegExp(`^${operation.path.replaceAll(/:\w+/g, '[^/]+')}$`, 'i').test(asked),
  );
  return found && `${method} ${found.path.replaceAll(/:\w+/g, '{}')}`;
}

export type Answer = { status: number; headers: Headers; body: unknown };

export type CallOptions = { body?: Uint8Array | object; key?: string; headers?: Record<string, string> };

/** The kinds of collections that hold persons, and the words of their errors. */
export const kinds = [
  {
    path: 'largepersongroups',
    idProperty: 'largePersonGroupId',
    code: 'LargePersonGroup',
    title: 'Large person group',
  },
  { path: 'persongroups', idProperty: 'personGroupId', code: 'PersonGroup', title: 'Person group' },
] as const;

/** A service as callers see it: over HTTP, without the client that hides headers. */
export function callsOf({ endpoint, key: ownKey }: FaceReady, version: 'v1.0' | 'v1.2' = 'v1.2') {
  async function call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { body, key = ownKey, headers = {} } = options;
    const isPicture = body instanceof Uint8Array;
    const response = await fetch(`${endpoint}/face/${version}${path}`, {
      method,
      headers: {
        'ocp-apim-subscription-key': key,
        ...(body === undefined
          ? {}
          : { 'content-type': isPicture ? 'application/octet-stream' : 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isPicture ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    const text = await response.text();
    const { status } = response;
    const answered: unknown = text === '' ? undefined : JSON.parse(text);
    const operation = operationOf(method, path);
    if (operation !== undefined) specification?.check(version, operation, status, answered);
    return { status, headers: response.headers, body: answered };
  }

  /** The JSON of a call that has to succeed. */
  async function ask<Body>(method: string, path: string, body?: Uint8Array | object): Promise<Body> {
    const answer = await call(method, path, body === undefined ? {} : { body });
    if (answer.status >= 300) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body as Body;
  }

  return {
    call,
    ask,
    async detect(image: Uint8Array, query = 'recognitionModel=recognition_04'): Promise<string> {
      const [face] = await ask<{ faceId: string }[]>(
        'POST',
        `/detect?detectionModel=detection_03&${query}`,
        image,
      );
      if (face === undefined) throw new Error('no face was detected');
      return face.faceId;
    },
    create: (group: string) => ask('PUT', group, { name: 'a group', recognitionModel: 'recognition_04' }),
    async person(group: string, name: string, ...pictures: Uint8Array[]): Promise<string> {
      const { personId } = await ask<{ personId: string }>('POST', `${group}/persons`, { name });
      for (const image of pictures) {
        await ask('POST', `${group}/persons/${personId}/persistedfaces?detectionModel=detection_03`, image);
      }
      return personId;
    },
    /** Trains and waits for the end; gives the last status. */
    async train(group: string): Promise<{ status: string; message?: string }> {
      await ask('POST', `${group}/train`);
      return eventually('the training ends', async () => {
        const training = await ask<{ status: string }>('GET', `${group}/training`);
        return training.status === 'running' ? undefined : training;
      });
    },
    /** The persons that a face is taken for. */
    async identify(faceId: string, scope: object): Promise<string[]> {
      const [result] = await ask<{ candidates: { personId: string }[] }[]>('POST', '/identify', {
        faceIds: [faceId],
        ...scope,
      });
      return (result?.candidates ?? []).map(({ personId }) => personId);
    },
  };
}

export type TestFace = Awaited<ReturnType<typeof startTestFace>>;

/** A service in this process, on data of its own. */
export async function startTestFace(options: Pick<FaceOptions, 'vision'> & Partial<FaceOptions>) {
  const folder = options.dataDir === undefined ? await temporaryFolder() : undefined;
  const dataDir = options.dataDir ?? folder?.path ?? '';
  const part = await startFace({ port: 0, quota: 'none', ...options, dataDir });
  return {
    ...callsOf(part.ready),
    ready: part.ready,
    dataDir,
    async close(): Promise<void> {
      await part.close();
      await folder?.remove();
    },
  };
}

/** The service without models, in a process of its own that can be killed. `trainingMs`: of two faces or more. */
export async function startFakeFaceProcess(options: { dataDir: string; trainingMs?: number }) {
  const child = forkEmulator('test/parts/face/fakeProcess.ts', ['ignore', 'ignore', 'inherit', 'ipc']);
  child.send(options);
  const [message] = (await once(child, 'message')) as [ChildMessage<FaceReady>];
  if (message.type === 'failed') throw new Error(message.reason);
  const exited = once(child, 'exit');
  return {
    ...callsOf(message.ready),
    ready: message.ready,
    async kill(): Promise<void> {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

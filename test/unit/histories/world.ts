import { vi } from 'vitest';
import type { GroupSettings } from '../../../shared/enrollment/groups.ts';
import type { Clients } from '../../../shared/app/clients.ts';
import { codeOf, deferred } from '../../../shared/errors/errors.ts';
import type { FaceClient } from '../../../shared/face/client.ts';
import { FaceError, FaceUnanswered } from '../../../shared/face/errors.ts';
import { parseKey } from '../../../shared/messages/workQueues.ts';
import { personKeyOf } from '../../../shared/records/keys.ts';
import { createRollcall, type Rollcall } from '../../../shared/app/rollcall.ts';
import { queues } from '../../../shared/config/resources.ts';
import { readSettings } from '../../../shared/config/settings.ts';
import {
  etagOf,
  memoryBlobs,
  memoryTable,
  storageFailure,
  type Effects,
  type MemoryBlob,
  type MemoryRows,
} from '../../helpers/memoryStorage.ts';

/*
 * The real pipeline on storage, queues and a Face service in memory, under a clock of its own, so that thousands of
 * histories can be run against it. A process can die before or after any write; a call can be lost in every way that
 * a network has; a function can stall until its lock is lost, and go on while another works on the same.
 */

/** Whether there is a face, or two, of which none is the subject. */
export type Faces = boolean | 'two';
export type CallFault = 'call lost' | 'answer lost' | 'lands late' | 'refused' | 'failed';
/** Of a write to a table, a queue or a container. `sent twice`: by its client, which saw no answer to the first. */
export type StorageFault = 'call lost' | 'answer lost' | 'sent twice';
type Outcome = 'done' | 'threw' | 'died' | 'stalled';
type Life = { dead: boolean; died: PromiseWithResolvers<'died'> };
type Running = { life: Life; stalled: PromiseWithResolvers<'stalled'>; ended?: Promise<'done' | 'threw'> };

type Message = {
  queue: string;
  body: unknown;
  id: string | undefined;
  dueAt: number;
  deliveries: number;
};
type FaceGroup = {
  /** Of each the faces, and of each face its `userData`. */
  persons: Map<string, { userData: string; faces: Map<string, string> }>;
  /** `userData` of the faces that the last training saw. */
  trained: Set<string>;
  training: { begun: number; saw: Set<string> } | undefined;
};

const callTimeoutMs = 20_000;
const trainingMs = 700;
const duplicateWindowMs = 600_000;
/** Some fifty times those of a usual history: a function that goes round in circles ends its history. */
const effectsAtMost = 50_000;
const never = <Value>(): Promise<Value> => new Promise<Value>(() => undefined);

/** A picture of a kind that Face in memory tells apart by its last byte, which is how many faces are on it. */
export function picture(faces: Faces, variant = 0): Buffer {
  const bytes = Buffer.alloc(54 + 40 * 40 * 3, faces === 'two' ? 2 : Number(faces));
  bytes.write('BM', 0, 'latin1');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(0, 6);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(40, 18);
  bytes.writeInt32LE(40, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  bytes.fill(0, 30, 54);
  // The first pixel.
  bytes.writeUInt16LE(variant, 54);
  return bytes;
}

export class World {
  now = Date.UTC(2026, 0, 1);
  readonly blobs = new Map<string, MemoryBlob>();
  readonly faceGroups = new Map<string, FaceGroup>();
  messages: Message[] = [];
  readonly deadLetters: unknown[] = [];
  /** The code of each warning that the pipeline logged. */
  readonly warnings: string[] = [];
  /**
   * Versions that lay in the container when their deletion was accepted, and what was made of them while it went on;
   * written by the test. `person`: who was deleted, if not the group. `isRecorded`: a row knew the bytes.
   */
  readonly forgotten: {
    path: string;
    etag: string;
    person: 'ann' | 'bob' | undefined;
    isRecorded: boolean;
  }[] = [];
  /** Paths of blobs that the pipeline deleted, whose events are still to come. */
  gone: string[] = [];
  /** Writes so far, and the write at which the process dies: before it (odd) or after it (even). */
  writes = 0;
  diesAt = 0;
  /** What becomes of the next calls that change something in Face, and of detections. */
  faults: CallFault[] = [];
  /** The same for the next calls of an operation. */
  readonly faultsOf: Record<string, CallFault[]> = {};
  /** What becomes of the next writes to tables, queues and containers. */
  storageFaults: (StorageFault | undefined)[] = [];
  /** Reads and writes of these so far, and the one before which the function stalls that is at it. */
  effects = 0;
  stallsAt = 0;
  /** Whether Face finds every person of a group on every face, and not only one. */
  returnsAll = false;
  /** `userData` of the faces that Face was given. */
  readonly addedInOrder: string[] = [];
  /** Calls to Face by operation. */
  readonly calls: Record<string, number> = {};
  app: Rollcall;

  #life: Life = { dead: false, died: Promise.withResolvers() };
  /** The function that runs, and those that stalled. */
  #running: Running | undefined;
  #stalled: { running: Running; goOn: () => void }[] = [];
  readonly #tables = new Map<string, MemoryRows>();
  readonly #sent = new Map<string, number>();
  readonly #variants = new Map<string, number>();
  #landing: { at: number; land: () => void }[] = [];
  #ids = 0;

  constructor() {
    // Pauses are drawn from the same numbers in every world, so that a history that failed fails again.
    let drawn = 0;
    vi.spyOn(Math, 'random').mockImplementation(() => (drawn = (drawn + 0.618) % 1));
    this.app = this.#start();
  }

  /** Without a variant: bytes that never lay anywhere. */
  drop(path: string, faces: Faces, variant = 1_000 + this.#ids): void {
    this.blobs.set(path, { bytes: picture(faces, variant), etag: this.#etag(), writtenAt: this.now });
  }

  /** The same bytes under another ETag: their metadata was set, or they were copied onto themselves. */
  touch(path: string): void {
    this.copy(path, path);
  }

  copy(path: string, to: string): void {
    const blob = this.blobs.get(path);
    if (blob !== undefined) this.blobs.set(to, { ...blob, etag: this.#etag(), writtenAt: this.now });
  }

  archive(path: string): void {
    const blob = this.blobs.get(path);
    if (blob !== undefined) this.blobs.set(path, { ...blob, archived: true });
  }

  /** The event of a path is delivered; the trigger tries five times. */
  async announce(path: string): Promise<void> {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      // The host loads the blob before it calls the function; each second time, as a host does that passes no ETag, not.
      const blob = this.writes % 2 === 0 ? this.blobs.get(path) : undefined;
      const loaded =
        blob === undefined || blob.archived === true ? undefined : { etag: etagOf(blob), bytes: blob.bytes };
      if ((await this.#run(() => this.app.reconcileImage(path, loaded))) === 'done') return;
      this.pass(10_000);
    }
  }

  /** Delivers the message that has been due for longest; undefined when none is due. */
  async deliver({ again = false } = {}): Promise<boolean> {
    const due = this.messages.filter(({ dueAt }) => dueAt <= this.now).toSorted((a, b) => a.dueAt - b.dueAt);
    const [message] = due;
    if (message === undefined) return false;
    const outcome = await this.#run(() => this.#handle(message));
    message.deliveries += 1;
    if (message.deliveries >= 10) this.deadLetters.push(message.body);
    const isOver = outcome === 'done' || message.deliveries >= 10;
    if (isOver && !again) this.messages = this.messages.filter((other) => other !== message);
    // A process that died holds its lock for a while; one that stalled has lost it.
    if (outcome === 'died' || outcome === 'stalled') message.dueAt = this.now + 30_000;
    return true;
  }

  /** Functions that stalled go on where they were. */
  async resume(): Promise<void> {
    for (const { running, goOn } of this.#stalled.splice(0)) {
      running.stalled = Promise.withResolvers();
      this.#running = running;
      goOn();
      await this.#outcomeOf(running);
    }
  }

  /** Asks for the deletion of a person, or of the whole group. True when it was accepted. */
  async forget(group: string, person?: string, withProbes = false): Promise<boolean> {
    let accepted = false;
    await this.#run(async () => {
      if (person === undefined) await this.app.deleteGroup(group);
      else await this.app.deletePerson(group, personKeyOf(group, person), withProbes);
      accepted = true;
    });
    return accepted;
  }

  /** Asks for other settings of the group, which may come to nothing. */
  async put(group: string, wanted: GroupSettings): Promise<void> {
    await this.#run(() => this.app.putGroup(group, wanted));
  }

  /** The write to storage after so many others meets this fault. */
  faultAfter(writes: number, fault: StorageFault): void {
    this.storageFaults = [...Array.from({ length: writes }, () => undefined), fault];
  }

  pass(ms: number): void {
    this.now += ms;
    const landed = this.#landing.filter(({ at }) => at <= this.now);
    this.#landing = this.#landing.filter(({ at }) => at > this.now);
    for (const { land } of landed) land();
  }

  async sweep(): Promise<void> {
    await this.#run(() => this.app.resync());
  }

  /** Every row of every table, as text. */
  rows(): string {
    return JSON.stringify(
      [...this.#tables].map(([name, partitions]) => [
        name,
        [...partitions].map(([key, rows]) => [key, [...rows]]),
      ]),
    );
  }

  /** Goes on until nothing is left to do: every message delivered, and so many resyncs, each half a minute, find nothing. */
  async settle(quietSweeps = 20): Promise<void> {
    await this.resume();
    let nextSweep = this.now + 30_000;
    for (let quiet = 0, steps = 0; quiet < quietSweeps; steps += 1) {
      if (steps > 5_000) throw new Error('it does not come to rest');
      if (await this.deliver()) {
        quiet = 0;
        continue;
      }
      for (const path of this.gone.splice(0)) await this.announce(path);
      const nextDue = Math.min(...this.messages.map(({ dueAt }) => dueAt));
      if (nextDue < nextSweep) {
        this.pass(nextDue - this.now);
        continue;
      }
      this.pass(nextSweep - this.now);
      nextSweep += 30_000;
      await this.sweep();
      quiet = this.messages.length === 0 ? quiet + 1 : 0;
    }
  }

  /** `userData` of every face that Face holds in a group, sorted. */
  facesOf(group: string): string[] {
    const persons = this.faceGroups.get(group)?.persons.values() ?? [];
    return [...persons].flatMap(({ faces }) => [...faces.values()]).toSorted();
  }

  /** How many persons Face holds in a group. */
  personsOf(group: string): number {
    return this.faceGroups.get(group)?.persons.size ?? 0;
  }

  trainedOf(group: string): string[] {
    return [...(this.faceGroups.get(group)?.trained ?? [])].toSorted();
  }

  #handle({ queue, body }: Message): Promise<void> {
    if (queue === queues.images.name) return this.app.reconcileQueuedImage(parseKey.image(body));
    if (queue === queues.persons.name) return this.app.reconcilePerson(parseKey.person(body));
    if (queue === queues.erasures.name) return this.app.eraseGroup(parseKey.erasure(body).group);
    return this.app.reconcileGroup(parseKey.training(body).group);
  }

  async #run(handler: () => Promise<unknown>): Promise<Outcome> {
    const running: Running = { life: this.#life, stalled: Promise.withResolvers() };
    this.#running = running;
    running.ended = handler().then(
      () => 'done' as const,
      () => 'threw' as const,
    );
    return this.#outcomeOf(running);
  }

  async #outcomeOf({ life, ended, stalled }: Running): Promise<Outcome> {
    const outcome = await Promise.race([ended ?? ('done' as const), life.died.promise, stalled.promise]);
    this.#running = undefined;
    if (outcome === 'died' && life === this.#life) this.app = this.#start();
    return outcome;
  }

  /** Before an effect: the function that is at it stalls here, if the history says so. */
  async #stallIfAsked(): Promise<void> {
    this.effects += 1;
    const running = this.#running;
    if (this.effects === effectsAtMost) running?.stalled.reject(new Error('it does not come to rest'));
    if (this.effects !== this.stallsAt || running === undefined) return;
    const going = Promise.withResolvers<void>();
    this.#stalled.push({ running, goOn: going.resolve });
    running.stalled.resolve('stalled');
    await going.promise;
  }

  #start(): Rollcall {
    this.#life = { dead: false, died: Promise.withResolvers<'died'>() };
    const life = this.#life;
    const read = async <Value>(action: () => Value): Promise<Value> => {
      if (life.dead) return never();
      await Promise.resolve();
      return action();
    };
    const write = async <Value>(action: () => Value): Promise<Value> => {
      if (life.dead) return never();
      await Promise.resolve();
      this.writes += 1;
      const die = (): Promise<Value> => {
        life.dead = true;
        life.died.resolve('died');
        return never();
      };
      if (this.diesAt === 2 * this.writes - 1) return die();
      const result = action();
      if (this.diesAt === 2 * this.writes) return die();
      return result;
    };
    const storage: Effects = {
      async read(_what, action) {
        await stallIfAsked();
        return read(action);
      },
      async write(_what, action) {
        await stallIfAsked();
        return write(() => withFault(action));
      },
    };
    const stallIfAsked = (): Promise<void> => this.#stallIfAsked();
    const withFault = <Value>(action: () => Value): Value => {
      const fault = this.storageFaults.shift();
      if (fault === undefined) return action();
      if (fault === 'call lost') throw storageFailure(503);
      action();
      if (fault === 'answer lost') throw storageFailure(503);
      return action();
    };
    const face = this.#face(read, write);
    return createRollcall({
      settings: readSettings({ FACE_ENDPOINT: 'http://face.invalid', FACE_QUOTA: 'none' }),
      clients: this.#clients(storage),
      credential: { key: 'x' },
      log: {
        info: () => undefined,
        warn: (_message, error) => void this.warnings.push(codeOf(error)),
        error: () => undefined,
      },
      now: () => this.now,
      face: { interactive: face, background: face },
    });
  }

  #etag(): string {
    this.#ids += 1;
    return `"0x${this.#ids}"`;
  }

  #clients(storage: Effects): Clients {
    const { read, write } = storage;
    const send = (queue: string, message: Record<string, unknown>): void => {
      const id = message['messageId'] as string | undefined;
      const sentAt = id === undefined ? undefined : this.#sent.get(`${queue} ${id}`);
      if (sentAt !== undefined && sentAt > this.now - duplicateWindowMs) return;
      if (id !== undefined) this.#sent.set(`${queue} ${id}`, this.now);
      const scheduled = message['scheduledEnqueueTimeUtc'] as Date | undefined;
      if (queue === queues.failures.name) return void this.deadLetters.push(message['body']);
      const dueAt = Math.max(this.now, scheduled?.getTime() ?? 0);
      this.messages.push({ queue, body: message['body'], id, dueAt, deliveries: 0 });
    };
    const clients = {
      blobs: memoryBlobs(this.blobs, storage, {
        now: () => this.now,
        deleted: (path) => this.gone.push(path),
      }),
      queues: { getQueueClient: () => ({ exists: () => read('queue', () => false) }) },
      table: (name: string) => {
        const rows: MemoryRows = this.#tables.get(name) ?? new Map();
        this.#tables.set(name, rows);
        return memoryTable(name, rows, storage, () => this.#etag());
      },
      serviceBus: {
        createSender: (queue: string) => ({
          sendMessages: (message: Record<string, unknown>) =>
            write(`send ${queue}`, () => send(queue, message)),
          close: () => Promise.resolve(),
        }),
        createReceiver: () => ({
          receiveMessages: () => Promise.resolve([]),
          close: () => Promise.resolve(),
        }),
      },
    };
    return clients as unknown as Clients;
  }

  /** Face as its contract says, and the faults of the way to it. */
  #face(read: Effect, write: Effect): FaceClient {
    const groupOf = (name: string): FaceGroup => {
      const group = this.faceGroups.get(name);
      if (group === undefined) throw new FaceError(404, 'LargePersonGroupNotFound', 'x');
      if (group.training !== undefined && this.now - group.training.begun >= trainingMs) {
        group.trained = group.training.saw;
        group.training = undefined;
      }
      return group;
    };
    const personOf = (name: string, personId: string): Map<string, string> => {
      const person = groupOf(name).persons.get(personId);
      if (person === undefined) throw new FaceError(404, 'PersonNotFound', 'x');
      return person.faces;
    };
    const id = (): string => {
      this.#ids += 1;
      return `id-${this.#ids}`;
    };
    const call = <Value>(operation: string, action: () => Value, sendBefore = Infinity): Promise<Value> =>
      write(() => {
        if (this.now > sendBefore) throw deferred(1_000);
        this.calls[operation] = (this.calls[operation] ?? 0) + 1;
        const fault = this.faultsOf[operation]?.shift() ?? this.faults.shift();
        switch (fault) {
          case undefined:
            return action();
          case 'call lost':
            throw new FaceUnanswered('lost');
          case 'answer lost':
            action();
            throw new FaceUnanswered('lost');
          case 'lands late':
            this.#landing.push({
              at: this.now + callTimeoutMs,
              land: () => {
                try {
                  action();
                } catch (error) {
                  // What has gone meanwhile refuses it.
                  if (!(error instanceof FaceError)) throw error;
                }
              },
            });
            throw new FaceUnanswered('late');
          case 'refused':
            throw new FaceError(429, '429', 'Rate limit is exceeded.', 1_000);
          case 'failed':
            throw new FaceError(500, '500', 'x');
        }
      });
    const look = <Value>(operation: string, action: () => Value): Promise<Value> =>
      read(() => {
        this.calls[operation] = (this.calls[operation] ?? 0) + 1;
        return action();
      });
    const refuseUnless = (isThere: boolean, code: string): void => {
      if (!isThere) throw new FaceError(404, code, 'x');
    };
    const faceRectangle = { left: 2, top: 2, width: 36, height: 36 };
    return {
      detect: (bytes) =>
        call('detect', () =>
          Array.from({ length: bytes.at(-1) ?? 0 }, () => {
            const faceId = id();
            this.#variants.set(faceId, Buffer.from(bytes).readUInt16LE(54));
            return { faceId, faceRectangle, faceAttributes: { qualityForRecognition: 'high' as const } };
          }),
        ),
      // The variant of the picture says who it is, in the order in which they came.
      identify: (group, faceIds, { maxCandidates }) =>
        look('identify', () => {
          const persons = [...groupOf(group).persons.keys()];
          return faceIds.map((faceId) => {
            const first = (this.#variants.get(faceId) ?? 0) % Math.max(1, persons.length);
            const found = [...persons.slice(first), ...persons.slice(0, first)];
            const most = this.returnsAll ? maxCandidates : 1;
            return {
              faceId,
              candidates: found.slice(0, most).map((personId) => ({ personId, confidence: 0.9 })),
            };
          });
        }),
      findSimilar: () => Promise.reject(new Error('not asked here')),
      group: () => Promise.reject(new Error('not asked here')),
      verify: () => Promise.reject(new Error('not asked here')),
      createGroup: (group, _recognitionModel, { sendBefore }) =>
        call(
          'createGroup',
          () => {
            if (this.faceGroups.has(group)) throw new FaceError(409, 'LargePersonGroupExists', 'x');
            this.faceGroups.set(group, { persons: new Map(), trained: new Set(), training: undefined });
          },
          sendBefore,
        ),
      getGroup: (group) =>
        look('getGroup', () => {
          groupOf(group);
          return { largePersonGroupId: group, name: group, recognitionModel: 'recognition_04' };
        }),
      deleteGroup: (group, { sendBefore }) =>
        call(
          'deleteGroup',
          () => {
            groupOf(group);
            this.faceGroups.delete(group);
          },
          sendBefore,
        ),
      train: (group) =>
        call('train', () => {
          const found = groupOf(group);
          if (found.training !== undefined)
            throw new FaceError(409, 'LargePersonGroupTrainingNotFinished', 'x');
          found.training = { begun: this.now, saw: new Set(this.facesOf(group)) };
        }),
      trainingStatus: (group) =>
        look('trainingStatus', () => {
          const { training } = groupOf(group);
          const at = new Date(this.now).toISOString();
          const status = training === undefined ? 'succeeded' : 'running';
          return { status, createdDateTime: at, lastActionDateTime: at };
        }),
      createPerson: (group, _name, userData) =>
        call('createPerson', () => {
          const personId = id();
          groupOf(group).persons.set(personId, { userData, faces: new Map() });
          return personId;
        }),
      listPersons: (group, { top, start = '' }) =>
        look('listPersons', () =>
          [...groupOf(group).persons]
            .map(([personId, { userData, faces }]) => ({
              personId,
              name: 'x',
              userData,
              persistedFaceIds: [...faces.keys()],
            }))
            .filter(({ personId }) => personId > start)
            .toSorted((a, b) => (a.personId < b.personId ? -1 : 1))
            .slice(0, top),
        ),
      getPerson: (group, personId) =>
        look('getPerson', () => ({
          personId,
          name: 'x',
          persistedFaceIds: [...personOf(group, personId).keys()],
        })),
      deletePerson: (group, personId) =>
        call('deletePerson', () => {
          personOf(group, personId);
          groupOf(group).persons.delete(personId);
        }),
      addFace: (group, personId, bytes, { userData, targetFace, sendBefore }) =>
        call(
          'addFace',
          () => {
            if (targetFace === undefined && bytes.at(-1) !== 1) throw notOneFace(bytes.at(-1));
            const faceId = id();
            personOf(group, personId).set(faceId, userData);
            this.addedInOrder.push(userData);
            return faceId;
          },
          sendBefore,
        ),
      getFace: (group, personId, persistedFaceId) =>
        look('getFace', () => {
          const userData = personOf(group, personId).get(persistedFaceId);
          refuseUnless(userData !== undefined, 'PersistedFaceNotFound');
          return { persistedFaceId, ...(userData === undefined ? {} : { userData }) };
        }),
      deleteFace: (group, personId, faceId) =>
        call('deleteFace', () => {
          refuseUnless(personOf(group, personId).delete(faceId), 'PersistedFaceNotFound');
        }),
    };
  }
}

type Effect = <Value>(action: () => Value) => Promise<Value>;

function notOneFace(faces: number | undefined): FaceError {
  const said = faces === 0 ? 'No face detected in the image.' : 'There is more than 1 face in the image.';
  return new FaceError(400, 'InvalidImage', said);
}

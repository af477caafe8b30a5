import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  added,
  addEnded,
  addIntended,
  detected,
  faceDeleted,
  failed,
  isSettled,
  isToBeCompared,
  lookedFor,
  received,
  recognized,
  rejected,
  removed,
  rewritten,
  type PersistedFace,
  type ImageRecord,
} from '../../../shared/records/image.ts';
import { sizeOf } from '../../helpers/size.ts';

const known = { image: 'enroll/g/p/1.jpg', group: 'g', person: 'p', generation: '1.1' };
/** After this, a call that was not answered can no longer land. */
const landedForSure = 1_000;
const face = { faceRectangle: { left: 1, top: 2, width: 3, height: 4 } };

/** The world around the row: the blob, and the faces that Face holds, each of some content. */
class World {
  picture: ImageRecord | undefined;
  blob: { etag: string; bytes: number; content: string } | undefined;
  readonly held = new Map<string, string>();
  /** Calls to add that were sent, were not answered and may still land. */
  flying: PersistedFace[] = [];
  /** Calls to Face that cost. */
  calls = 0;
  #versions = 0;
  #contents = 0;
  #faces = 0;
  now = 0;

  write(): void {
    this.#contents += 1;
    this.#put(`c${this.#contents}`);
  }

  /** The bytes that lay there before, or the same once more. */
  writeBack(by: number): void {
    if (this.#contents > 0) this.#put(`c${Math.max(1, this.#contents - by)}`);
  }

  touch(): void {
    if (this.blob !== undefined) this.#put(this.blob.content);
  }

  #put(content: string): void {
    this.#versions += 1;
    this.blob = { etag: `v${this.#versions}`, bytes: 1, content };
  }

  /** The event of the blob, which may come late, twice or never. */
  announce(): void {
    const { picture, blob, now } = this;
    if (blob === undefined) this.picture = picture && removed(picture, now);
    else {
      const { content, ...version } = blob;
      this.picture =
        picture !== undefined && isToBeCompared(picture, version)
          ? rewritten(picture, known, version, content, now)
          : received(picture, known, version, now);
    }
  }

  detect(outcome: 'face' | 'none' | 'fails'): void {
    const { picture, blob } = this;
    if (picture?.state !== 'received' || picture.etag !== blob?.etag) return;
    this.picture = recognized(picture, blob, blob.content, this.now);
    if (this.picture.state !== 'received') return;
    this.calls += 1;
    if (outcome === 'face') this.picture = detected(picture, blob, face, this.now);
    else if (outcome === 'none') this.picture = rejected(picture, blob, { reason: 'no_face' }, this.now);
    else this.picture = failed(picture, blob, { reason: 'too_many_attempts' }, this.now);
  }

  #faceOf(content: string): PersistedFace {
    this.#faces += 1;
    return { faceId: `f${this.#faces}`, content, personId: 'x', generation: known.generation };
  }

  /** One turn of the person's session, as it works; `outcome` is what becomes of an add. */
  session(outcome: 'answered' | 'lost' | 'refused' | 'killed'): void {
    if (this.picture === undefined) return;
    this.#settleIntents();
    this.#deleteOrphanedFaces();
    const { picture } = this;
    if (picture?.state === 'detected') {
      // The container is the truth: another version, or none, is not added.
      if (this.blob === undefined) this.picture = removed(picture, this.now);
      else if (this.blob.etag === picture.etag) this.#add(picture, outcome);
    }
    this.#deleteOrphanedFaces();
  }

  #add(picture: ImageRecord, outcome: string): void {
    const { content = '', generation } = picture;
    this.picture = addIntended(picture, { content, personId: 'x', generation }, this.now);
    const intent = this.picture.intents.at(-1);
    if (intent === undefined) throw new Error('an add that is not intended');
    if (outcome === 'killed') return;
    this.calls += 1;
    const landed = this.#faceOf(content);
    if (outcome === 'lost') this.flying.push(landed);
    else if (outcome === 'refused') this.picture = addEnded(this.picture, intent);
    else {
      this.held.set(landed.faceId, landed.content);
      this.picture = added(addEnded(this.picture, intent), landed, this.now);
    }
  }

  #unnamed(content: string): PersistedFace[] {
    const named = [
      this.picture?.persisted?.faceId,
      ...(this.picture?.orphanedFaces ?? []).map(({ faceId }) => faceId),
    ];
    return [...this.held]
      .filter(([faceId, of]) => of === content && !named.includes(faceId))
      .map(([faceId]) => ({ faceId, content, personId: 'x', generation: known.generation }));
  }

  #settleIntents(): void {
    for (const add of this.picture?.intents ?? []) {
      const landedUntil = this.now - landedForSure;
      this.picture =
        this.picture && lookedFor(this.picture, add, this.#unnamed(add.content), this.now, landedUntil);
    }
  }

  #deleteOrphanedFaces(): void {
    for (const { faceId } of this.picture?.orphanedFaces ?? []) {
      this.held.delete(faceId);
      this.picture = this.picture && faceDeleted(this.picture, faceId, this.now);
    }
  }

  /** A call that was not answered lands now, or never. */
  land(lands: boolean): void {
    const call = this.flying.shift();
    if (call !== undefined && lands) this.held.set(call.faceId, call.content);
  }

  /** So much time passes that what has not landed never will. */
  pass(lands: boolean): void {
    while (this.flying.length > 0) this.land(lands);
    this.now += landedForSure;
  }

  /** Everything that was put off happens; nothing fails any more. */
  rest(): void {
    for (let turn = 0; turn < 6; turn += 1) {
      this.announce();
      this.detect('face');
      this.session('answered');
      this.pass(true);
    }
  }
}

const command: fc.Arbitrary<(world: World) => void> = fc.oneof(
  { weight: 2, arbitrary: fc.constant((world: World) => world.write()) },
  { weight: 2, arbitrary: fc.constant((world: World) => world.touch()) },
  { weight: 1, arbitrary: fc.nat(2).map((by) => (world: World) => world.writeBack(by)) },
  {
    weight: 1,
    arbitrary: fc.constant((world: World) => {
      world.blob = undefined;
    }),
  },
  { weight: 3, arbitrary: fc.constant((world: World) => world.announce()) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('face' as const, 'face' as const, 'none' as const, 'fails' as const)
      .map((outcome) => (world: World) => world.detect(outcome)),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('answered' as const, 'lost' as const, 'refused' as const, 'killed' as const)
      .map((outcome) => (world: World) => world.session(outcome)),
  },
  { weight: 1, arbitrary: fc.boolean().map((lands) => (world: World) => world.land(lands)) },
  { weight: 1, arbitrary: fc.boolean().map((lands) => (world: World) => world.pass(lands)) },
);

const histories = fc.array(command, { maxLength: 60 });

test('whatever happens, in the end Face holds one face of the version that lies there, or none', () => {
  fc.assert(
    fc.property(histories, (commands) => {
      const world = new World();
      for (const run of commands) {
        world.now += 1;
        run(world);
      }
      world.rest();
      const { picture, held, blob } = world;
      expect(picture === undefined || isSettled(picture)).toBe(true);
      if (picture?.state === 'enrolled') {
        expect([...held]).toEqual([[picture.persisted?.faceId, picture.content]]);
        expect({ etag: picture.etag, content: picture.content }).toMatchObject({
          etag: blob?.etag,
          content: blob?.content,
        });
      } else {
        expect([...held.values()]).toEqual(
          picture?.persisted === undefined ? [] : [picture.persisted.content],
        );
        if (blob === undefined) expect(picture?.state ?? 'removed').toBe('removed');
      }
    }),
    { numRuns: sizeOf({ quick: 500, full: 50_000 }) },
  );
});

test('an enrolled picture names the face of its own version at every moment', () => {
  fc.assert(
    fc.property(histories, (commands) => {
      const world = new World();
      for (const run of commands) {
        world.now += 1;
        run(world);
        const { picture, held } = world;
        if (picture?.state !== 'enrolled') continue;
        expect(picture.persisted?.content).toBe(picture.content);
        expect(held.get(picture.persisted?.faceId ?? '')).toBe(picture.content);
      }
    }),
    { numRuns: sizeOf({ quick: 200, full: 20_000 }) },
  );
});

test('a person is named by a face that stands in Face, until the picture is refused or gone', () => {
  fc.assert(
    fc.property(histories, (commands) => {
      const world = new World();
      for (const run of commands) {
        world.now += 1;
        const before = world.picture;
        run(world);
        const { picture, held } = world;
        if (picture?.persisted !== undefined)
          expect(held.get(picture.persisted.faceId)).toBe(picture.persisted.content);
        const mayEnd = picture === undefined || ['rejected', 'removed'].includes(picture.state);
        if (before?.persisted !== undefined && !mayEnd) expect(picture.persisted).toBeDefined();
      }
    }),
    { numRuns: sizeOf({ quick: 300, full: 30_000 }) },
  );
});

test('equal bytes under another ETag cost no call and change no state', () => {
  fc.assert(
    fc.property(histories, (commands) => {
      const world = new World();
      world.write();
      for (const run of commands) {
        world.now += 1;
        run(world);
      }
      world.rest();
      const { picture, calls } = world;
      if (world.blob === undefined || picture === undefined) return;
      world.touch();
      world.rest();
      expect(world.calls).toBe(calls);
      expect(world.picture).toEqual({ ...picture, etag: world.blob.etag });
    }),
    { numRuns: sizeOf({ quick: 300, full: 30_000 }) },
  );
});

const changesOfVersion: Record<string, { change: (world: World) => void; left: string[] }> = {
  'as it is': { change: () => undefined, left: ['c1'] },
  'written again': { change: (world) => world.write(), left: ['c2'] },
  'written again and enrolled': {
    change: (world) => {
      world.write();
      world.announce();
      world.detect('face');
      world.session('answered');
    },
    left: ['c2'],
  },
  'written again without a face': {
    change: (world) => {
      world.write();
      world.announce();
      world.detect('none');
    },
    left: [],
  },
  deleted: { change: (world) => (world.blob = undefined), left: [] },
};

test.for(Object.entries(changesOfVersion))(
  'of an add that was sent twice no second face is left: the picture is %s',
  ([, { change, left }]) => {
    const world = new World();
    world.write();
    world.announce();
    world.detect('face');
    world.session('lost');
    world.session('answered');
    change(world);
    world.rest();
    expect(world.picture && isSettled(world.picture)).toBe(true);
    expect([...world.held.values()]).toEqual(left);
  },
);

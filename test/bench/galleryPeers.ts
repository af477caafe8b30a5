import { createRequire } from 'node:module';
import { nearestByLoop, type Faces } from './galleryFaces.ts';

/* Libraries that search vectors, where they are installed (or in NODE_PATH): none is a dependency of this project. */

type Timed = (work: () => unknown, times?: number) => Promise<number>;
type Peer = {
  name: string;
  note: string;
  one: () => unknown;
  ten: () => unknown;
  best: (index: number) => number;
};

/** Graphs take long to build: only up to so many faces. */
const graphAtMost = 100_000;
const graphProbes = 40;

export async function peers(faces: Faces, timed: Timed): Promise<void> {
  for (const [name, make] of Object.entries(makers)) {
    const library = installed(name);
    if (library === undefined) {
      console.log(`  ${name}: not installed`);
      continue;
    }
    for (const peer of make(library, faces)) {
      const oneMs = await timed(peer.one, 5);
      const batchMs = (await timed(peer.ten, 3)) / 10;
      console.log(
        `  ${peer.name}, ${faces.count.toLocaleString('en')} faces: one ${oneMs.toFixed(2)} ms, ` +
          `of ten ${batchMs.toFixed(2)} ms a face; ${peer.note}, same best face ${agreement(faces, peer)}`,
      );
    }
  }
}

function secondsOf(work: () => unknown): number {
  const begin = performance.now();
  work();
  return (performance.now() - begin) / 1_000;
}

function agreement(faces: Faces, { best }: Peer): string {
  let same = 0;
  for (let index = 0; index < graphProbes; index += 1) {
    if (best(index) === nearestByLoop(faces, faces.probe(index))) same += 1;
  }
  return `${same} of ${graphProbes}`;
}

function installed(name: string): never | undefined {
  try {
    return createRequire(import.meta.url)(name) as never;
  } catch {
    return undefined;
  }
}

const makers: Record<string, (library: never, faces: Faces) => Peer[]> = {
  usearch,
  'hnswlib-node': hnswlib,
  'faiss-node': faiss,
};

function tenProbes({ probe, numbers }: Faces): Float32Array {
  const joined = new Float32Array(10 * numbers);
  for (let index = 0; index < 10; index += 1) joined.set(probe(index), index * numbers);
  return joined;
}

/** Whole numbers, as coarse as ours; usearch has no way to look again with all digits. */
function int8(vectors: Float32Array): Int8Array {
  let most = 0;
  for (const value of vectors) most = Math.max(most, Math.abs(value));
  const whole = new Int8Array(vectors.length);
  for (let index = 0; index < whole.length; index += 1) {
    whole[index] = Math.round(((vectors[index] ?? 0) / most) * 127);
  }
  return whole;
}

type Matches = { keys: BigUint64Array };
type Usearch = {
  MetricKind: { IP: unknown };
  exactSearch(
    dataset: Float32Array | Int8Array,
    queries: Float32Array | Int8Array,
    numbers: number,
    count: number,
    metric: unknown,
    threads: number,
  ): Matches;
};

function usearch({ exactSearch, MetricKind }: Usearch, faces: Faces): Peer[] {
  const { vectors, numbers } = faces;
  const kinds = [
    { kind: 'float32', dataset: vectors, convert: (probes: Float32Array) => probes },
    { kind: 'int8', dataset: int8(vectors), convert: int8 },
  ];
  return kinds.map(({ kind, dataset, convert }) => {
    // The vectors are of one length, so that products tell as much as cosines, in less time.
    const run = (probes: Float32Array, threads: number): Matches =>
      exactSearch(dataset, convert(probes), numbers, 1, MetricKind.IP, threads);
    const [one, ten] = [faces.probe(0), tenProbes(faces)];
    const each = Array.from({ length: 10 }, (_, index) => faces.probe(index));
    // It shares the probes of a call among threads. What is fastest depends on the size.
    const ways = [
      { how: 'in one call on 1 thread', run: () => run(ten, 1) },
      { how: 'in one call on 2 threads', run: () => run(ten, 2) },
      { how: 'in ten calls', run: () => each.map((probe) => run(probe, 1)) },
    ].map((way) => ({ ...way, seconds: secondsOf(way.run) }));
    const [fastest] = ways.toSorted((a, b) => a.seconds - b.seconds);
    return {
      name: `usearch exactSearch ${kind}`,
      note: `ten ${fastest?.how}, this thread waits`,
      one: () => run(one, 1),
      ten: () => fastest?.run(),
      best: (index) => Number(run(faces.probe(index), 1).keys[0]),
    };
  });
}

type HnswIndex = {
  initIndex(options: number | { maxElements: number }): void;
  addPoint(point: number[], label: number): void;
  searchKnn(point: number[], count: number): { neighbors: number[] };
};
type Hnswlib = Record<
  'BruteforceSearch' | 'HierarchicalNSW',
  new (space: 'ip', numbers: number) => HnswIndex
>;

function hnswlib({ BruteforceSearch, HierarchicalNSW }: Hnswlib, faces: Faces): Peer[] {
  const { count, numbers, vectors } = faces;
  const peer = (name: string, index: HnswIndex): Peer => {
    const seconds = secondsOf(() => {
      for (let face = 0; face < count; face += 1) {
        index.addPoint([...vectors.subarray(face * numbers, (face + 1) * numbers)], face);
      }
    }).toFixed(0);
    const run = (probe: number[]): number => index.searchKnn(probe, 1).neighbors[0] ?? -1;
    const ten = Array.from({ length: 10 }, (_, at) => [...faces.probe(at)]);
    return {
      name: `hnswlib-node ${name}`,
      note: `1 thread, this thread waits, built in ${seconds} s`,
      one: () => run(ten[0] ?? []),
      ten: () => ten.map(run),
      best: (at) => run([...faces.probe(at)]),
    };
  };
  const flat = new BruteforceSearch('ip', numbers);
  flat.initIndex(count);
  const found = [peer('BruteforceSearch', flat)];
  if (count > graphAtMost) return found;
  const graph = new HierarchicalNSW('ip', numbers);
  graph.initIndex({ maxElements: count });
  return [...found, peer('HierarchicalNSW (not exact)', graph)];
}

type FaissIndex = {
  add(vectors: number[]): void;
  search(probes: number[], count: number): { labels: number[] };
};
type Faiss = { IndexFlatIP: new (numbers: number) => FaissIndex };

function faiss({ IndexFlatIP }: Faiss, faces: Faces): Peer[] {
  const { count, numbers, vectors } = faces;
  const index = new IndexFlatIP(numbers);
  for (let face = 0; face < count; face += 1) {
    index.add([...vectors.subarray(face * numbers, (face + 1) * numbers)]);
  }
  const run = (probes: number[]): number => index.search(probes, 1).labels[0] ?? -1;
  const [one, ten] = [[...faces.probe(0)], [...tenProbes(faces)]];
  return [
    {
      name: 'faiss-node IndexFlatIP',
      note: 'this thread waits',
      one: () => run(one),
      ten: () => run(ten),
      best: (at) => run([...faces.probe(at)]),
    },
  ];
}

import type { StoredVector } from './store.ts';

export type Nearest = { personId: string; vector: Float32Array };

/**
 * Vectors of unit length, side by side in one array, each with its face and its person: exact search in one pass.
 * A person may have any number of them.
 */
export function createVectorIndex() {
  let width = 0;
  let vectors = new Float32Array(0);
  const faceIds: string[] = [];
  /** For each vector, the number of its person. */
  const owners: number[] = [];
  const persons: string[] = [];
  const numbers = new Map<string, number>();
  /** Numbers of persons that are gone, for those who come. */
  const free: number[] = [];

  const at = (row: number): Float32Array => vectors.subarray(row * width, (row + 1) * width);

  function refuseOtherWidth({ length }: Float32Array): void {
    if (length !== width) throw new Error(`a vector of ${length} numbers among vectors of ${width}`);
  }

  function numberOf(personId: string): number {
    const known = numbers.get(personId);
    if (known !== undefined) return known;
    const number = free.pop() ?? persons.length;
    numbers.set(personId, number);
    persons[number] = personId;
    return number;
  }

  function add({ faceId, personId, vector }: StoredVector): void {
    width ||= vector.length;
    refuseOtherWidth(vector);
    const row = faceIds.push(faceId) - 1;
    owners.push(numberOf(personId));
    if (vectors.length < (row + 1) * width) {
      const larger = new Float32Array(Math.max(64, row * 2) * width);
      larger.set(vectors);
      vectors = larger;
    }
    vectors.set(vector, row * width);
  }

  /** The last row takes its place: order does not matter. */
  function removeRow(row: number): void {
    const last = owners.length - 1;
    vectors.set(at(last), row * width);
    vectors.fill(0, last * width, (last + 1) * width);
    const [faceId, owner] = [faceIds.pop(), owners.pop()];
    if (row === last || faceId === undefined || owner === undefined) return;
    faceIds[row] = faceId;
    owners[row] = owner;
  }

  /** For each person, the row of the vector nearest to the probe; -1 for none. */
  function nearestRows(probe: Float32Array): { cosines: Float32Array; rows: Int32Array } {
    const cosines = new Float32Array(persons.length).fill(-Infinity);
    const rows = new Int32Array(persons.length).fill(-1);
    for (let row = 0; row < owners.length; row += 1) {
      const cosine = dot(vectors, row * width, probe);
      const owner = owners[row] ?? 0;
      if (cosine > (cosines[owner] ?? 0)) {
        cosines[owner] = cosine;
        rows[owner] = row;
      }
    }
    return { cosines, rows };
  }

  return {
    size: () => owners.length,
    add,
    removeFace(faceId: string): void {
      const row = faceIds.indexOf(faceId);
      if (row !== -1) removeRow(row);
    },
    removePerson(personId: string): void {
      const number = numbers.get(personId);
      if (number === undefined) return;
      for (let row = owners.length - 1; row >= 0; row -= 1) if (owners[row] === number) removeRow(row);
      numbers.delete(personId);
      free.push(number);
    },

    /** The nearest vector of each of the nearest persons, nearest first. */
    nearest(probe: Float32Array, top: number): Nearest[] {
      if (owners.length > 0) refuseOtherWidth(probe);
      const { cosines, rows } = nearestRows(probe);
      const best: number[] = [];
      for (let person = 0; person < persons.length; person += 1) {
        if (rows[person] === -1) continue;
        const cosine = cosines[person] ?? -Infinity;
        if (best.length === top && cosine <= (cosines[best[top - 1] ?? 0] ?? 0)) continue;
        const place = best.findIndex((other) => cosine > (cosines[other] ?? 0));
        best.splice(place === -1 ? best.length : place, 0, person);
        if (best.length > top) best.pop();
      }
      return best.map((person) => ({ personId: persons[person] ?? '', vector: at(rows[person] ?? 0) }));
    },
  };
}

export type VectorIndex = ReturnType<typeof createVectorIndex>;

/** In four sums: one alone would make each addition wait for the one before. */
function dot(vectors: Float32Array, offset: number, probe: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  let index = 0;
  for (; index + 3 < probe.length; index += 4) {
    const start = offset + index;
    a += (vectors[start] ?? 0) * (probe[index] ?? 0);
    b += (vectors[start + 1] ?? 0) * (probe[index + 1] ?? 0);
    c += (vectors[start + 2] ?? 0) * (probe[index + 2] ?? 0);
    d += (vectors[start + 3] ?? 0) * (probe[index + 3] ?? 0);
  }
  for (; index < probe.length; index += 1) a += (vectors[offset + index] ?? 0) * (probe[index] ?? 0);
  return a + b + c + d;
}

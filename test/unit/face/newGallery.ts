import { randomUUID } from 'node:crypto';
import { createGallery } from '../../../emulators/face/gallery/gallery.ts';
import { openFaceStore } from '../../../emulators/face/storage/store.ts';

export type Face = { personId: string; faceId: string; vector: Float32Array };

export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}

/** A gallery in memory, and collections in it. */
export function newGallery() {
  const store = openFaceStore(':memory:');
  // A confidence that hides nothing of the order.
  const gallery = createGallery(store, { confidence: (a, b) => (1 + cosine(a, b)) / 2 });
  /** A collection with its faces, and the same faces in a list. */
  function newCollection() {
    const id = randomUUID();
    store.addCollection('largepersongroups', id, id, null, 'recognition_04');
    const key = store.collection('largepersongroups', id)?.key ?? 0;
    const faces = new Map<string, Face>();
    const remove = (faceId: string): void => {
      store.deleteFace(key, faces.get(faceId)?.personId ?? '', faceId);
      gallery.forgetFace(key, faceId);
      faces.delete(faceId);
    };
    return {
      key,
      faces,
      remove,
      add(personId: string, vector: Float32Array): string {
        if (store.person(key, personId) === undefined) store.addPerson(key, personId, 'x', null);
        const faceId = randomUUID();
        store.addFace(key, personId, { id: faceId, userData: null, vector });
        faces.set(faceId, { personId, faceId, vector });
        return faceId;
      },
      /** As a training that succeeds. */
      train(): void {
        const upTo = store.newestFace(key);
        const added = store.untrainedPages(key, Math.min(upTo, gallery.upTo(key)));
        store.markTrained(key, upTo);
        gallery.add(key, added);
      },
      removePerson(personId: string): void {
        store.deletePerson(key, personId);
        gallery.forgetPerson(key, personId);
        for (const face of faces.values()) if (face.personId === personId) faces.delete(face.faceId);
      },
      async identify(probes: Float32Array[], top: number): Promise<string[][]> {
        const found = await gallery.identify(key, probes, {
          threshold: 0,
          top,
          recognitionModel: 'recognition_04',
        });
        return found.map((candidates) => candidates.map(({ personId }) => personId));
      },
    };
  }
  return {
    store,
    gallery,
    newCollection,
    async close(): Promise<void> {
      await gallery.close();
      store.close();
    },
  };
}

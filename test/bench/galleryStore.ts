import { openFaceStore } from '../../emulators/face/storage/store.ts';
import { facesOfPerson, makeFaces, type Faces } from './galleryFaces.ts';

const facesOfTransaction = 20_000;

/** Writes a trained collection of so many faces as the Face service would. */
export function writeFaces(file: string, count: number, numbers: number): { key: number; faces: Faces } {
  const faces = makeFaces(count, numbers);
  const store = openFaceStore(file);
  const id = `faces-${count}`;
  store.addCollection('largepersongroups', id, id, null, 'recognition_04');
  const key = store.collection('largepersongroups', id)?.key ?? 0;
  for (let first = 0; first < count; first += facesOfTransaction) {
    store.transaction(() => {
      for (let face = first; face < Math.min(count, first + facesOfTransaction); face += 1) {
        const personId = faces.personId(face);
        if (face % facesOfPerson === 0) store.addPerson(key, personId, 'person', null);
        const vector = faces.vectors.subarray(face * numbers, (face + 1) * numbers);
        store.addFace(key, personId, { id: faces.faceId(face), userData: null, vector });
      }
    });
  }
  store.markTrained(key, store.newestFace(key));
  store.close();
  return { key, faces };
}

import { expect, test } from 'vitest';
import type { FaceClient } from '../../../shared/face/client.ts';
import { isFaceError } from '../../../shared/face/errors.ts';
import { eventually } from '../../helpers/eventually.ts';
import { groupPicture, portrait } from '../../helpers/pictures.ts';

export type FaceTarget = () => { face: FaceClient; group: string };

const detection = {
  detectionModel: 'detection_03',
  recognitionModel: 'recognition_04',
  faceIdTimeToLive: 600,
} as const;

const atAnyTime = { sendBefore: Infinity };

/** What the pipeline relies on of Face: about 15 calls. The group is made and deleted. */
export function faceContract(target: FaceTarget): void {
  test('a person is enrolled, trained, identified and verified; what is gone is not there', async () => {
    const { face, group } = target();
    await face.createGroup(group, 'recognition_04', atAnyTime);
    const personId = await face.createPerson(group, 'p0000', 'key');
    const add = (file: string, userData: string) =>
      face.addFace(group, personId, portrait(file), {
        targetFace: undefined,
        userData,
        detectionModel: 'detection_03',
        ...atAnyTime,
      });
    const faceId = await add('franck_01829.jpg', 'first');
    expect((await face.getFace(group, personId, faceId)).userData).toBe('first');
    expect((await face.getPerson(group, personId)).persistedFaceIds).toEqual([faceId]);
    await face.train(group);
    await eventually(
      'the training ends',
      async () => (await face.trainingStatus(group)).status.toLowerCase() === 'succeeded',
    );
    const [seen] = await face.detect(portrait('franck_04117.jpg'), detection);
    if (seen === undefined) throw new Error('no face was found');
    const [identified] = await face.identify(group, [seen.faceId], { maxCandidates: 1 });
    expect(identified?.candidates[0]?.personId).toBe(personId);
    expect(await face.verify(seen.faceId, group, personId)).toMatchObject({ isIdentical: true });
    await face.deleteFace(group, personId, faceId);
    await expect(face.deleteFace(group, personId, faceId)).rejects.toSatisfy((error) =>
      isFaceError(error, 404),
    );
  });

  test('a picture of several faces, or of none, is refused in the words that we read', async () => {
    const { face, group } = target();
    const personId = await face.createPerson(group, 'p0001', 'key');
    const refusal = (bytes: Uint8Array) =>
      face
        .addFace(group, personId, bytes, {
          targetFace: undefined,
          userData: 'u',
          detectionModel: 'detection_03',
          ...atAnyTime,
        })
        .then(
          () => 'taken',
          (error: unknown) => (error instanceof Error ? error.message : ''),
        );
    expect(await refusal(groupPicture(1))).toMatch(/more than 1/);
    expect(await refusal(portrait('scream_crop.jpg'))).toMatch(/No face/);
    await face.deleteGroup(group, atAnyTime);
    await expect(face.getGroup(group)).rejects.toSatisfy((error) => isFaceError(error, 404));
  });
}

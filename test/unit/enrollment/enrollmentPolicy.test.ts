import { expect, test } from 'vitest';
import {
  admittedBy,
  faceToEnroll,
  type EnrollmentPolicy,
} from '../../../shared/enrollment/enrollmentPolicy.ts';

const size = { width: 1_000, height: 800 };

/** A face by its width and the middle of it. */
function face(width: number, x: number, y = 400) {
  const faceRectangle = { left: x - width / 2, top: y - width / 2, width, height: width };
  return { faceId: `${width} at ${x}`, faceRectangle };
}

const chosenFrom = (faces: ReturnType<typeof face>[], severalFaces: EnrollmentPolicy['severalFaces']) => {
  try {
    return faceToEnroll({ faces, size }, { severalFaces, minQuality: 'none' }).faceId;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test.each([
  ['one face, wherever it is', [face(100, 80)], '100 at 80'],
  ['a bystander half as wide', [face(200, 300), face(100, 700)], '200 at 300'],
  ['a bystander who is a little wider than half', [face(200, 300), face(101, 700)], 'several_faces'],
  ['a subject in the middle, and somebody at the edge', [face(240, 500), face(200, 900)], '240 at 500'],
  ['the same, hardly smaller', [face(240, 500), face(201, 900)], 'several_faces'],
  ['the smaller of two in the middle', [face(240, 900), face(200, 500)], 'several_faces'],
  ['two who share the middle', [face(300, 420), face(200, 560)], 'several_faces'],
  ['a couple', [face(200, 350), face(190, 650)], 'several_faces'],
  ['a row of three', [face(200, 200), face(200, 500), face(200, 800)], 'several_faces'],
])('the dominant face: %s', (_what, faces, wanted) => {
  expect(chosenFrom(faces, 'dominant')).toBe(wanted);
});

test('of several faces, the largest is taken or all are refused, as the policy says', () => {
  const couple = [face(200, 350), face(190, 650)];
  expect(chosenFrom(couple, 'largest')).toBe('200 at 350');
  expect(chosenFrom(couple, 'reject')).toBe('several_faces');
  for (const policy of ['reject', 'dominant', 'largest'] as const) {
    expect(chosenFrom([], policy)).toBe('no_face');
    expect(chosenFrom([face(30, 500)], policy)).toBe('face_too_small');
  }
});

test('where a picture was shrunk before nobody was found on it, the detail says so', () => {
  const refusedAt = (width: number) => () =>
    faceToEnroll(
      { faces: [], size: { width, height: 900 } },
      { severalFaces: 'largest', minQuality: 'none' },
    );
  expect(refusedAt(4_097)).toThrow(
    '4097 × 900 pixels was shrunk to 4096 a side, and no face is found on it, nor on 0 parts',
  );
  expect(refusedAt(4_096)).toThrow('There is no face on the image.');
});

test('what a policy admits that another refused', () => {
  const strict = { severalFaces: 'reject', minQuality: 'high' } as const;
  const lax = { severalFaces: 'largest', minQuality: 'none' } as const;
  expect(admittedBy(lax, strict)).toEqual(['several_faces', 'low_quality']);
  expect(admittedBy({ ...strict, severalFaces: 'dominant' }, strict)).toEqual(['several_faces']);
  expect(admittedBy({ ...strict, minQuality: 'medium' }, strict)).toEqual(['low_quality']);
  expect(admittedBy(strict, strict)).toEqual([]);
  expect(admittedBy(strict, lax)).toEqual([]);
});

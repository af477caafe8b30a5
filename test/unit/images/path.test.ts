import { expect, test } from 'vitest';
import { placeOf } from '../../../shared/images/imagePath.ts';

test('a path says which group, person and image it is', () => {
  expect(placeOf('enroll/family/Zoë/2024/a b.jpg')).toMatchObject({
    kind: 'enroll',
    group: 'family',
    person: 'Zoë',
  });
  expect(placeOf('identify/family/a/b.jpg')).toMatchObject({ kind: 'identify', group: 'family' });
});

test('a blob may have a name of 1,024 characters', () => {
  expect(placeOf(`enroll/g/p/${'i'.repeat(1_020)}`).kind).toBe('enroll');
});

test('the same name in another Unicode form is the same person, on another path', () => {
  const composed = placeOf('enroll/g/Zo\u00eb/1.jpg');
  const decomposed = placeOf('enroll/g/Zoe\u0308/1.jpg');
  expect(composed.ref.person).toBe(decomposed.ref.person);
  expect(composed.ref.image).not.toBe(decomposed.ref.image);
});

test.each([
  'enroll/1.jpg',
  'enroll/g/1.jpg',
  'enroll/g/p/',
  'enroll/G/p/1.jpg',
  'enroll/a__b/p/1.jpg',
  `enroll/${'g'.repeat(49)}/p/1.jpg`,
  `enroll/g/${'p'.repeat(129)}/1.jpg`,
  'enroll/g/../1.jpg',
  'enroll/g/p/../1.jpg',
  'enroll/g/p/./1.jpg',
  'enroll/g/ /1.jpg',
  'enroll/g/p/a\u0007.jpg',
  'enroll/g/p/a\uffff.jpg',
  'enroll/g/p\ufffe/1.jpg',
  'enroll/g/p\n/1.jpg',
  `enroll/g/p/${'i'.repeat(1_021)}`,
  'identify/1.jpg',
  'identify/g/',
  'identify/g/a/../b.jpg',
  'identify/g//b.jpg',
  'identify/g/b.jpg/',
  'identify/g/b.jpg.',
  'enroll/g/p//1.jpg',
  'enroll/g/p/1.jpg/',
  'enroll/g/p/1.',
  String.raw`enroll/g/Nicolas\x/1.jpg`,
  String.raw`enroll/g/p/a\1.jpg`,
  String.raw`identify/g/a\1.jpg`,
  'enroll/g/p/a\ud800.jpg',
  'enroll/g/p/a\ufdd0.jpg',
  'enroll/g/p\u{1fffe}/1.jpg',
  `enroll/g/p/${'a/'.repeat(252)}1.jpg`,
  'other/g/p/1.jpg',
  'enroll.old/g/p/1.jpg',
])('%j is no path for a picture', (path) => {
  const place = placeOf(path);
  expect(place.kind).toBe('bad');
  expect(place.kind === 'bad' && place.detail).toBeTruthy();
});

test.each(['enroll/g/King Jr./1.jpg', 'enroll/g/.../a./1.jpg', `enroll/g/p/${'a/'.repeat(251)}1.jpg`])(
  '%j stays as it is in Storage',
  (path) => {
    expect(placeOf(path).kind).toBe('enroll');
  },
);

test('a picture at a bad path belongs to the person that the path names', () => {
  const { ref } = placeOf('enroll/g/p//1.jpg');
  expect(ref).toMatchObject({ group: 'g', person: placeOf('enroll/g/p/1.jpg').ref.person });
});

test('a bad path in a good group belongs to that group, any other to none', () => {
  expect(placeOf('enroll/g/1.jpg').group).toBe('g');
  expect(placeOf('enroll/loose.jpg').group).toBe('~');
});

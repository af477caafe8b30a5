import { expect, test, vi } from 'vitest';
import { compare, isSettled, type Known } from '../../../cli/import/compare.ts';
import { confirmDeletion, findSurplus, namesOf } from '../../../cli/import/mirror.ts';
import { createOutput } from '../../../cli/terminal/output.ts';
import { largestImageBytes } from '../../../shared/config/resources.ts';

const known: Known = { state: 'enrolled', bytes: 3, sha256: 'abc' };
const hash = vi.fn(() => Promise.resolve('abc'));
const local = { bytes: 3 };

test('a file of another size is sent without being read', async () => {
  const unread = () => Promise.reject(new Error('was read'));
  expect(await compare(local, undefined, unread)).toEqual({ as: 'new' });
  expect(await compare(local, { ...known, state: 'removed' }, unread)).toEqual({ as: 'new' });
  expect(await compare({ bytes: 4 }, known, unread)).toEqual({ as: 'changed' });
  expect(await compare({ bytes: largestImageBytes + 1 }, known, unread)).toEqual({ as: 'too_large' });
});

test('a file of the same size is read, and sent where its bytes are others', async () => {
  expect(await compare(local, known, hash)).toEqual({ as: 'same' });
  expect(await compare(local, { ...known, sha256: 'other' }, hash)).toEqual({ as: 'changed', sha256: 'abc' });
});

test('what was refused or failed with these bytes is not sent again', async () => {
  expect(await compare(local, { ...known, state: 'rejected' }, hash)).toEqual({ as: 'refused' });
  expect(await compare(local, { ...known, state: 'failed' }, hash)).toEqual({ as: 'failed' });
  const { sha256: _, ...unread } = known;
  expect(await compare(local, { ...unread, state: 'rejected' }, hash)).toEqual({ as: 'refused' });
  expect(await compare(local, { ...unread, state: 'received' }, hash)).toEqual({ as: 'new' });
});

test('an upload is settled once Rollcall is done with its bytes, not with those before', () => {
  expect(isSettled(undefined, local)).toBe(false);
  expect(isSettled({ ...known, state: 'received' }, local)).toBe(false);
  expect(isSettled(known, { bytes: 4 })).toBe(false);
  expect(isSettled(known, { bytes: 3, sha256: 'new' })).toBe(false);
  expect(isSettled(known, { bytes: 3, sha256: 'abc' })).toBe(true);
});

test('a mirror deletes what the folder does not have, more than a fifth only when it is told to', async () => {
  const group = new Map(Array.from({ length: 10 }, (_, index) => [`enroll/g/ann/${index}.jpg`, known]));
  group.set('identify/g/1.jpg', known).set('enroll/g/ann/gone.jpg', { ...known, state: 'removed' });
  const without = (count: number) => new Set([...group.keys()].slice(count));
  const two = findSurplus(group, without(2));
  const three = findSurplus(group, without(3));
  expect(two).toEqual({ images: ['enroll/g/ann/0.jpg', 'enroll/g/ann/1.jpg'], isMuch: false });
  expect(three.isMuch).toBe(true);
  const output = { ...createOutput(), isWatched: false };
  await expect(confirmDeletion(output, two, false)).rejects.toThrow('--mirror would delete 2 pictures');
  await expect(confirmDeletion(output, three, false)).rejects.toThrow('more than a fifth of the group');
  expect(await confirmDeletion(output, three, true)).toBe(true);
  expect(await confirmDeletion(output, findSurplus(group, without(0)), false)).toBe(false);
});

test('a mirror keeps what the folder has, also where it is left out of the import', () => {
  const images = [{ file: 'ann/1.jpg', image: 'enroll/g/ann/1.jpg', person: 'ann', bytes: 1, modifiedAt: 0 }];
  const skipped = [{ file: `${'Zoë'.normalize('NFD')}/2.jpg`, reason: 'empty' as const }];
  const names = namesOf({ images, skipped, badNames: [], unreadable: [] }, 'g');
  expect(names).toEqual(new Set(['enroll/g/ann/1.jpg', `enroll/g/${'Zoë'.normalize('NFC')}/2.jpg`]));
});

import { expect, test } from 'vitest';
import { placeOf } from '../../../shared/images/imagePath.ts';
import { received, removed } from '../../../shared/records/image.ts';
import { inMemory } from '../../helpers/inMemory.ts';

test('a person without pictures leaves the list and the count, and comes back with the next picture', async () => {
  const { call, rollcall, clock } = inMemory();
  await call('PUT', 'groups/club', { body: '{}' });
  const image = 'enroll/club/ann/1.jpg';
  const { ref } = placeOf(image);
  const known = { image, group: 'club', person: 'ann', generation: '1.1' };
  const persons = async () => {
    const [list, group] = [await call('GET', 'groups/club/persons'), await call('GET', 'groups/club')];
    const { items } = list.body as { items: { person: string }[] };
    return [items.map(({ person }) => person), (group.body as { persons: number }).persons];
  };
  const drop = (etag: string) =>
    rollcall.imageRecords.change(ref, (before) => received(before, known, { etag, bytes: 1 }, clock.now));
  await drop('1');
  expect(await persons()).toEqual([['ann'], 1]);
  await rollcall.imageRecords.change(ref, (before) => before && removed(before, clock.now));
  expect(await persons()).toEqual([[], 0]);
  await drop('2');
  expect(await persons()).toEqual([['ann'], 1]);
  await call('DELETE', 'groups/club/persons/ann');
  expect(await persons()).toEqual([[], 0]);
});

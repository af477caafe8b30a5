import { expect, test } from 'vitest';
import { inMemory } from '../../helpers/inMemory.ts';
import { portrait } from '../../helpers/pictures.ts';

test('results are filtered by the time at which they were asked, beside kind and person, page by page', async () => {
  const app = inMemory({ face: { detect: async () => [] } });
  await app.call('PUT', 'groups/club', { body: '{}' });
  const times: string[] = [];
  for (let asked = 0; asked < 6; asked += 1) {
    app.clock.now += 60_000;
    times.push(new Date(app.clock.now).toISOString());
    await app.call('POST', `groups/club/${asked % 2 === 0 ? 'identify' : 'find-similar'}`, {
      headers: { 'content-type': 'image/jpeg' },
      body: portrait('audrey_crop.jpg'),
    });
  }
  const list = async (query: string) => {
    const { status, body } = await app.call('GET', `groups/club/results?${query}`);
    expect(status).toBe(200);
    const { items, next } = body as { items: { createdAt: string }[]; next?: string };
    return { at: items.map(({ createdAt }) => times.indexOf(createdAt)), next };
  };
  const [, second = '', third = '', , fifth = ''] = times;
  expect(await list('')).toEqual({ at: [5, 4, 3, 2, 1, 0], next: undefined });
  expect((await list(`since=${third}`)).at).toEqual([5, 4, 3, 2]);
  expect((await list(`until=${third}`)).at).toEqual([2, 1, 0]);
  expect((await list(`since=${second}&until=${fifth}`)).at).toEqual([4, 3, 2, 1]);
  expect((await list(`since=${second}&until=${fifth}&kind=identify`)).at).toEqual([4, 2]);
  expect((await list(`since=${fifth}&until=${second}`)).at).toEqual([]);
  expect((await list(`until=${second}&person=ann`)).at).toEqual([]);
  const elsewhere = encodeURIComponent(new Date(app.clock.now).toISOString().replace('Z', '+02:00'));
  expect((await list(`since=${elsewhere}`)).at).toEqual([5, 4, 3, 2, 1, 0]);
  const first = await list(`since=${second}&until=${fifth}&top=3`);
  expect(first.at).toEqual([4, 3, 2]);
  expect((await list(`since=${second}&until=${fifth}&top=3&after=${first.next ?? ''}`)).at).toEqual([1]);
  // Long before and after anything.
  expect((await list('since=1900-01-01T00:00:00Z&until=9999-12-31T00:00:00Z')).at).toHaveLength(6);
});

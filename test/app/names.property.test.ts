import { expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { seed, sizeOf } from '../helpers/size.ts';
import { type ImageView, useSharedStack } from '../helpers/stack.ts';

/* Every odd character goes in and comes out as it was, through the container and over HTTP; in `npm test` some do. */

const all = [
  'a b',
  ' leading and trailing ',
  'a  two',
  '100%',
  '%41',
  '%2F',
  '%zz',
  'a+b',
  'a#b',
  'a?b=c&d',
  'a&amp;b',
  'a;b=c',
  'a:b@c',
  "it's",
  'say "x"',
  '<b>',
  '[1]',
  '{group}',
  'a|b',
  'a^b`c~d',
  'a*b',
  '$(x)!',
  'a,b',
  'a=b',
  '_-.',
  '...',
  'trailing.',
  '.hidden',
  'Zoë',
  'Zoe\u0308',
  'q\u0307\u0323',
  '日本語',
  'ภาษาไทย',
  'עברית',
  '\u202eright to left',
  'no\u00a0break',
  'zero\u200bwidth',
  '💥',
  '👩‍👩‍👧',
  '\ufeffmark',
  'ﬀ',
  'İı',
];

const every = sizeOf({ quick: 4, full: 1 });
const odd = all.filter((_name, index) => index % every === seed % every);

const stack = useSharedStack();
/** No picture: it is refused at once, and its row names it all the same. */
const blank = Buffer.from('not a picture '.repeat(100));

async function imagesOf(group: string): Promise<ImageView[]> {
  return (await stack.get<{ items: ImageView[] }>(`groups/${group}/images?top=1000`)).items;
}

async function settled(group: string, paths: readonly string[]): Promise<void> {
  await eventually('every picture was looked at', async () => {
    const items = await imagesOf(group).catch(() => []);
    return paths.every((path) => items.some(({ image, state }) => image === path && state === 'rejected'));
  });
}

test('dropped into the container', async () => {
  const paths = odd.map((name) => `enroll/dropped/${name}/${name}.jpg`);
  await Promise.all(paths.map((path) => stack.drop(path, blank)));
  await settled('dropped', paths);
  const images = await imagesOf('dropped');
  expect(images.map(({ image }) => image).toSorted()).toEqual(paths.toSorted());
  for (const { image, person } of images) expect(person).toBe(image.split('/')[2]?.normalize('NFC'));
});

test('sent, read and deleted over HTTP', async () => {
  const urlOf = (name: string) =>
    `groups/sent/persons/${encodeURIComponent(name)}/images/in/${encodeURIComponent(name)}.jpg`;
  const pathOf = (name: string) => `enroll/sent/${name.normalize('NFC')}/in/${name}.jpg`;
  for (const name of odd) {
    const put = { method: 'PUT', headers: { 'content-type': 'image/jpeg' }, body: new Uint8Array(blank) };
    expect(await stack.api(urlOf(name), put)).toMatchObject({ status: 202, body: { image: pathOf(name) } });
  }
  await settled('sent', odd.map(pathOf));
  for (const name of odd) {
    const { items } = await stack.get<{ items: ImageView[] }>(
      `groups/sent/images?person=${encodeURIComponent(name)}`,
    );
    expect(items.map(({ image }) => image)).toContain(pathOf(name));
    const removed = await stack.api(urlOf(name), { method: 'DELETE' });
    expect(removed).toMatchObject({ status: 202, body: { image: pathOf(name) } });
  }
  expect((await imagesOf('sent')).filter(({ state }) => state !== 'removed')).toEqual([]);
});

test('a name may be as long as a blob may have one, and no longer', async () => {
  const put = (image: string) =>
    stack.api(`groups/long/persons/p/images/${image}`, {
      method: 'PUT',
      headers: { 'content-type': 'image/jpeg' },
      body: new Uint8Array(blank),
    });
  const longest = 'i'.repeat(1_024 - 'long/p/'.length);
  expect(await put(longest)).toMatchObject({ status: 202 });
  await settled('long', [`enroll/long/p/${longest}`]);
  expect(await put(`${longest}i`)).toMatchObject({ status: 400, body: { code: 'bad_path' } });
});

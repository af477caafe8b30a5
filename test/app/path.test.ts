import sharp from 'sharp';
import { expect, test } from 'vitest';
import { pngBomb } from '../helpers/bombs.ts';
import { eventually } from '../helpers/eventually.ts';
import { groupPicture, portrait } from '../helpers/pictures.ts';
import { useSharedStack, type ImageView } from '../helpers/stack.ts';

const stack = useSharedStack();

type Identified = {
  id: string;
  trained: boolean;
  image?: string;
  faces: {
    faceId: string;
    faceRectangle: { left: number; top: number; width: number; height: number };
    qualityForRecognition: string;
    candidates: { person: string; personId: string; confidence: number }[];
  }[];
};

async function identify(group: string, bytes: Uint8Array, query = ''): Promise<Identified> {
  const { status, body } = await stack.postPicture(`groups/${group}/identify${query}`, bytes);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body as Identified;
}

test('dropped pictures become a person who is recognised on another picture, and strangers are not', async () => {
  await stack.drop('enroll/clan/Frank Ö’Neil/1.jpg', portrait('franck_01829.jpg'));
  await stack.drop('enroll/clan/Frank Ö’Neil/holiday/2.jpg', portrait('franck_02045.jpg'));
  await stack.drop('enroll/clan/audrey/1.jpg', portrait('audrey_crop.jpg'));
  const enrolled = await stack.settled('enroll/clan/Frank Ö’Neil/holiday/2.jpg', 'enrolled');
  expect(enrolled.faceRectangle?.width).toBeGreaterThan(150);
  await stack.settled('enroll/clan/audrey/1.jpg', 'enrolled');
  await stack.settled('enroll/clan/Frank Ö’Neil/1.jpg', 'enrolled');
  const group = await stack.covered('clan');
  expect(group).toMatchObject({ persons: 2, images: { enrolled: 3 }, training: { state: 'idle' } });

  const known = await identify('clan', portrait('franck_04117.jpg'));
  expect(known.trained).toBe(true);
  expect(known.faces).toHaveLength(1);
  expect(known.faces[0]?.candidates[0]?.person).toBe('Frank Ö’Neil');
  expect(known.faces[0]?.candidates[0]?.confidence).toBeGreaterThan(0.8);
  const stranger = await identify('clan', portrait('queen20_crop.jpg'));
  expect(stranger.faces.map(({ candidates }) => candidates)).toEqual([[]]);
  expect((await identify('clan', portrait('scream_crop.jpg'))).faces).toEqual([]);

  const inFace = await stack.faceOf('clan');
  expect(inFace.map(({ persistedFaceIds }) => persistedFaceIds.length).toSorted((a, b) => a - b)).toEqual([
    1, 2,
  ]);
  // No name of a person ever reaches Face.
  expect(JSON.stringify(inFace)).not.toContain('audrey');
});

test('a face ID of an answer can be asked about again, and every answer can be read back', async () => {
  const first = await identify('clan', portrait('franck_03909.jpg'));
  const again = await stack.postJson('groups/clan/identify?maxCandidates=5', {
    faceIds: [first.faces[0]?.faceId],
  });
  expect((again.body as Identified).faces[0]?.candidates[0]?.person).toBe('Frank Ö’Neil');
  const stored = await stack.get<Identified>(`groups/clan/results/${first.id}`);
  expect(stored).toEqual(first);
  const byPerson = await stack.get<{ items: Identified[] }>(
    `groups/clan/results?person=${encodeURIComponent('Frank Ö’Neil')}&top=2`,
  );
  expect(byPerson.items.map(({ id }) => id)).toEqual([(again.body as Identified).id, first.id]);
  const firstPage = await stack.get<{ items: Identified[]; next: string }>('groups/clan/results?top=1');
  const secondPage = await stack.get<{ items: Identified[] }>(
    `groups/clan/results?top=1&after=${firstPage.next}`,
  );
  expect([...firstPage.items, ...secondPage.items].map(({ id }) => id)).toEqual(
    byPerson.items.map(({ id }) => id),
  );
});

test('a dropped probe is answered, and its face is found again', async () => {
  await stack.drop('identify/clan/party.jpg', portrait('franck_04000.jpg'));
  const result = await eventually('the result', async () => {
    const { items } = await stack.get<{ items: Identified[] }>('groups/clan/results?kind=identify');
    return items.find(({ image }) => image === 'identify/clan/party.jpg');
  });
  expect(result.faces[0]?.candidates[0]?.person).toBe('Frank Ö’Neil');
  expect(await stack.group('clan')).toMatchObject({ probes: { identified: 1 } });
  const { body } = await stack.postPicture('groups/clan/find-similar', portrait('franck_04035.jpg'));
  const found = body as { searched: number; faces: { matches: { image?: string; confidence: number }[] }[] };
  const images = found.faces[0]?.matches.map(({ image }) => image);
  expect(images).toContain('identify/clan/party.jpg');
  expect(images).toContain('enroll/clan/Frank Ö’Neil/1.jpg');
  expect(images).not.toContain('enroll/clan/audrey/1.jpg');
});

test('persons are listed and read by their names', async () => {
  const { items } = await stack.get<{ items: { person: string; images: { enrolled: number } }[] }>(
    'groups/clan/persons',
  );
  expect(items.map(({ person }) => person).toSorted()).toEqual(['Frank Ö’Neil', 'audrey']);
  const one = await stack.get<{ images: { enrolled: number } }>(
    `groups/clan/persons/${encodeURIComponent('Frank Ö’Neil')}`,
  );
  expect(one).toMatchObject({ person: 'Frank Ö’Neil', images: { enrolled: 2 } });
  const mine = await stack.get<{ items: ImageView[] }>(
    `groups/clan/images?person=${encodeURIComponent('Frank Ö’Neil')}&state=enrolled`,
  );
  expect(mine.items.map(({ image }) => image).toSorted()).toEqual([
    'enroll/clan/Frank Ö’Neil/1.jpg',
    'enroll/clan/Frank Ö’Neil/holiday/2.jpg',
  ]);
});

test('a group may take the largest of several faces, of any quality', async () => {
  const body = JSON.stringify({ severalFaces: 'largest', minQuality: 'none' });
  await stack.api('groups/lenient', { method: 'PUT', headers: { 'content-type': 'application/json' }, body });
  await stack.drop('enroll/lenient/star/1.jpg', groupPicture(4));
  const { faceRectangle } = await stack.settled('enroll/lenient/star/1.jpg', 'enrolled');
  expect((faceRectangle?.width ?? 0) * (faceRectangle?.height ?? 0)).toBeGreaterThan(38_000);
});

test('verify says whether it is the person', async () => {
  const path = `groups/clan/verify?person=${encodeURIComponent('Frank Ö’Neil')}`;
  expect((await stack.postPicture(path, portrait('franck_02888.jpg'))).body).toMatchObject({
    isIdentical: true,
  });
  expect((await stack.postPicture(path, portrait('cage.jpg'))).body).toMatchObject({ isIdentical: false });
});

test('a path written again replaces the earlier picture, also when the new one is refused', async () => {
  const path = 'enroll/rewrite/nicolas/1.jpg';
  await stack.drop(path, portrait('cage.jpg'));
  const first = await stack.settled(path, 'enrolled');
  await stack.drop(path, portrait('cage2_crop.jpg'));
  const second = await eventually('the new face', async () => {
    const image = await stack.image(path);
    return image?.state === 'enrolled' && image.persistedFaceId !== first.persistedFaceId ? image : undefined;
  });
  await eventually('the old face is gone from Face', async () => {
    const [person] = await stack.faceOf('rewrite');
    return person?.persistedFaceIds.length === 1 && person.persistedFaceIds[0] === second.persistedFaceId;
  });
  await stack.drop(path, portrait('ironman.jpg'));
  expect(await stack.settled(path, 'rejected')).toMatchObject({ reason: 'no_face' });
  await eventually('no face is left in Face', async () => {
    const persons = await stack.faceOf('rewrite');
    return persons.every(({ persistedFaceIds }) => persistedFaceIds.length === 0);
  });
});

test('a deleted picture is gone from every answer, and the last one empties the group in Face', async () => {
  await stack.drop('enroll/leaving/sean/1.jpg', portrait('SeanConnery.jpg'));
  await stack.settled('enroll/leaving/sean/1.jpg', 'enrolled');
  await stack.covered('leaving');
  expect((await identify('leaving', portrait('sean_guru2_crop.jpg'))).faces[0]?.candidates[0]?.person).toBe(
    'sean',
  );
  await stack.remove('enroll/leaving/sean/1.jpg');
  await stack.settled('enroll/leaving/sean/1.jpg', 'removed');
  expect((await identify('leaving', portrait('sean_guru2_crop.jpg'))).faces[0]?.candidates).toEqual([]);
  await eventually('Face has nothing of the group', async () => (await stack.faceOf('leaving')).length === 0);
  expect(await stack.group('leaving')).toMatchObject({ images: { removed: 1, enrolled: 0 } });

  await stack.drop('enroll/leaving/sean/1.jpg', portrait('SeanConnery.jpg'));
  await stack.settled('enroll/leaving/sean/1.jpg', 'enrolled');
  await eventually('he is known again', async () => {
    const { faces } = await identify('leaving', portrait('sean_guru2_crop.jpg'));
    return faces[0]?.candidates[0]?.person === 'sean';
  });
});

test('every reason to refuse a dropped picture is told', async () => {
  const tiny = await sharp(portrait('cage.jpg')).resize(30, 30).png().toBuffer();
  const small = await sharp(portrait('franck_01829.jpg')).resize(72).jpeg().toBuffer();
  const blurred = await sharp(portrait('franck_01829.jpg')).blur(14).jpeg().toBuffer();
  const cases: [path: string, bytes: Uint8Array, reasons: string[]][] = [
    ['enroll/refused/p/text.jpg', Buffer.from('this is not a picture '.repeat(100)), ['not_an_image']],
    ['enroll/refused/p/empty.jpg', Buffer.alloc(0), ['not_an_image']],
    ['enroll/refused/p/cut.jpg', portrait('cage.jpg').subarray(0, 2_000), ['not_an_image', 'no_face']],
    [
      'enroll/refused/p/drawing.svg',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"/>'),
      ['unsupported_format'],
    ],
    ['enroll/refused/p/tiny.png', tiny, ['image_too_small']],
    ['enroll/refused/p/huge.png', await pngBomb(), ['image_too_large']],
    ['enroll/refused/p/nobody.jpg', portrait('scream_crop.jpg'), ['no_face']],
    ['enroll/refused/p/many.jpg', groupPicture(1), ['several_faces']],
    ['enroll/refused/p/small.jpg', small, ['low_quality', 'face_too_small', 'no_face']],
    ['enroll/refused/p/blurred.jpg', blurred, ['low_quality', 'no_face']],
    ['enroll/refused/nobody.jpg', portrait('cage.jpg'), ['bad_path']],
    ['enroll/Not A Group/p/1.jpg', portrait('cage.jpg'), ['bad_path']],
    ['enroll/loose.jpg', portrait('cage.jpg'), ['bad_path']],
    ['identify/loose.jpg', portrait('cage.jpg'), ['bad_path']],
  ];
  await Promise.all(cases.map(([path, bytes]) => stack.drop(path, bytes)));
  for (const [path, , reasons] of cases) {
    const { reason } = await stack.settled(path, 'rejected');
    expect(reasons, path).toContain(reason);
  }
  const { items } = await stack.get<{ items: ImageView[] }>('groups/refused/images?state=rejected&top=1000');
  const inGroup = cases.filter(([path]) => path.startsWith('enroll/refused/'));
  expect(items.map(({ image }) => image).toSorted()).toEqual(inGroup.map(([path]) => path).toSorted());
  expect(await stack.group('refused')).toMatchObject({ images: { rejected: inGroup.length, received: 0 } });
});

test('pictures that Face cannot take are converted, and rectangles are those of the original', async () => {
  const large = await sharp(portrait('franck_02683.jpg')).resize(4_320).jpeg({ quality: 90 }).toBuffer();
  const webp = await sharp(portrait('franck_02683.jpg')).webp().toBuffer();
  const turned = await sharp(portrait('franck_02683.jpg'))
    .rotate(90)
    .withMetadata({ orientation: 8 })
    .jpeg()
    .toBuffer();
  await stack.drop('enroll/formats/franck/plain.jpg', portrait('franck_02683.jpg'));
  await stack.drop('enroll/formats/franck/large.jpg', large);
  await stack.drop('enroll/formats/franck/pic.webp', webp);
  await stack.drop('enroll/formats/franck/turned.jpg', turned);
  const plain = (await stack.settled('enroll/formats/franck/plain.jpg', 'enrolled')).faceRectangle;
  const scaled = (await stack.settled('enroll/formats/franck/large.jpg', 'enrolled')).faceRectangle;
  const converted = (await stack.settled('enroll/formats/franck/pic.webp', 'enrolled')).faceRectangle;
  const upright = (await stack.settled('enroll/formats/franck/turned.jpg', 'enrolled')).faceRectangle;
  for (const side of ['left', 'top', 'width', 'height'] as const) {
    expect(Math.abs((scaled?.[side] ?? 0) / 6 - (plain?.[side] ?? 0))).toBeLessThan(12);
    expect(Math.abs((converted?.[side] ?? 0) - (plain?.[side] ?? 0))).toBeLessThan(12);
    expect(Math.abs((upright?.[side] ?? 0) - (plain?.[side] ?? 0))).toBeLessThan(12);
  }
});

test('no name, path or key is in a log', () => {
  const log = stack.log().join('\n');
  expect(log).toContain('process enroll');
  expect(log).toContain('rollcall.images');
  const { faceKey, serviceBusConnectionString } = stack.endpoints;
  const busKey = /SharedAccessKey=([^;]+)/.exec(serviceBusConnectionString)?.[1] ?? '';
  for (const secret of ['Frank', 'audrey', 'nicolas', 'party.jpg', faceKey, busKey])
    expect(log).not.toContain(secret);
});

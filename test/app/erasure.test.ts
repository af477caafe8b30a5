import sharp from 'sharp';
import { expect, test } from 'vitest';
import { TableClient } from '@azure/data-tables';
import { tables } from '../../shared/config/resources.ts';
import { eventually, nextSecond } from '../helpers/eventually.ts';
import { formsOf, remainsIn, windowsOf } from '../helpers/remains.ts';
import { franck, portrait } from '../helpers/pictures.ts';
import { type ImageView, useSharedStack } from '../helpers/stack.ts';

const stack = useSharedStack();

type Erasure = {
  id: string;
  kind: string;
  state: string;
  erased: { blobs: number; faces: number; pictures: number; faceIds: number; results: number };
  kept: { what: string; until?: string }[];
  templatesExpireAt?: string;
};
type Answer = { id: string; faces: { candidates: { person: string }[]; matches?: { image?: string }[] }[] };

const [one = '', two = '', three = ''] = franck;

function encodedAnew(file: string): Promise<Buffer> {
  return sharp(portrait(file)).jpeg({ quality: 93 }).toBuffer();
}

async function remove(path: string): Promise<{ status: number; headers: Headers; body: Erasure }> {
  const { status, headers, body } = await stack.api(path, { method: 'DELETE' });
  return { status, headers, body: body as Erasure };
}

async function ask(path: string, picture: string): Promise<Answer> {
  const { status, body } = await stack.postPicture(path, portrait(picture));
  expect(status).toBe(200);
  return body as Answer;
}

/** Everything but the templates of detections is gone. */
const removed = (id: string): Promise<Erasure> =>
  eventually('everything of it is removed', async () => {
    const erasure = await stack.get<Erasure>(`erasures/${id}`);
    return erasure.state === 'removed' ? erasure : undefined;
  });

/** Every row of every table as text, to look for what should not be there. */
async function allRows(): Promise<string> {
  const rows: unknown[] = [];
  for (const name of Object.values(tables)) {
    const client = TableClient.fromConnectionString(stack.endpoints.storageConnectionString, name, {
      allowInsecureConnection: true,
    });
    for await (const row of client.listEntities()) rows.push(row);
  }
  return JSON.stringify(rows);
}

// The two wait for most of their time, beside each other.
test.concurrent(
  'a deleted person is named by no answer from then on, and nothing is left of him',
  async () => {
    // Other files use the same photographs on this stack; these bytes are of this test alone.
    const [first, second] = await Promise.all([encodedAnew(one), encodedAnew(two)]);
    await stack.drop('enroll/club/Zoë Müllerowska/1.jpg', first);
    await stack.drop('enroll/club/Zoë Müllerowska/2.jpg', second);
    await stack.drop('enroll/club/audrey/1.jpg', portrait('audrey_crop.jpg'));
    await stack.settled('enroll/club/Zoë Müllerowska/1.jpg', 'enrolled');
    await stack.settled('enroll/club/Zoë Müllerowska/2.jpg', 'enrolled');
    await stack.settled('enroll/club/audrey/1.jpg', 'enrolled');
    await stack.covered('club');
    const zoe = (await stack.faceOf('club')).find(({ persistedFaceIds }) => persistedFaceIds.length === 2);
    const ids = [zoe?.personId, ...(zoe?.persistedFaceIds ?? [])].map((id) => Buffer.from(id ?? 'no ID'));
    const traces = {
      name: formsOf('Zoë Müllerowska'),
      pictures: [first, second].flatMap(windowsOf),
      ids,
    };
    // The scan sees what it looks for.
    expect(remainsIn(stack.dataDir, traces).join()).toMatch(/name in .*pictures in .*/s);
    const identified = await ask('groups/club/identify', three);
    expect(identified.faces[0]?.candidates[0]?.person).toBe('Zoë Müllerowska');
    const similar = await ask('groups/club/find-similar', three);
    expect(similar.faces[0]?.matches?.map(({ image }) => image)).toContain(
      'enroll/club/Zoë Müllerowska/1.jpg',
    );
    const verified = await ask(`groups/club/verify?person=${encodeURIComponent('Zoë Müllerowska')}`, three);

    const { status, headers, body } = await remove(
      `groups/club/persons/${encodeURIComponent('Zoë Müllerowska')}`,
    );
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(`/api/erasures/${body.id}`);
    expect(body).toMatchObject({ kind: 'person' });
    // At once, whatever is still there.
    expect((await ask('groups/club/identify?maxCandidates=5', three)).faces[0]?.candidates).toEqual([]);
    expect(JSON.stringify((await ask('groups/club/find-similar', three)).faces)).not.toContain('Zo');
    expect(JSON.stringify(await stack.get('groups/club/persons'))).not.toContain('Zo');
    expect(JSON.stringify(await stack.get('groups/club/images'))).not.toContain('Zo');
    expect(JSON.stringify(await stack.get('images'))).not.toContain('Zo');
    expect(JSON.stringify(await stack.get(`groups/club/results/${identified.id}`))).not.toContain('Zo');
    expect(JSON.stringify(await stack.get('groups/club/results'))).not.toContain('Zo');
    expect(await stack.api(`groups/club/results/${verified.id}`)).toMatchObject({ status: 404 });
    expect(await stack.api(`groups/club/persons/${encodeURIComponent('Zoë Müllerowska')}`)).toMatchObject({
      status: 404,
    });
    // The same bytes do not bring him back while they are erased, wherever below the person they are written.
    await nextSecond();
    await stack.drop('enroll/club/Zoë Müllerowska/again.jpg', first);
    // Asked once more, it is the same deletion.
    const again = await remove(`groups/club/persons/${encodeURIComponent('Zoë Müllerowska')}`);
    expect(again).toMatchObject({ status: 202, body: { id: body.id } });

    const proof = await removed(body.id);
    expect(proof.erased).toMatchObject({ blobs: 3, faces: 2, pictures: 2 });
    expect(proof.erased.faceIds).toBeGreaterThanOrEqual(2);
    expect(Date.parse(proof.templatesExpireAt ?? '')).toBeGreaterThan(Date.now());
    expect(proof.kept).toContainEqual(
      expect.objectContaining({ what: 'templates', until: proof.templatesExpireAt }),
    );
    expect(proof.erased.results).toBeGreaterThanOrEqual(3);
    expect((await stack.faceOf('club')).map(({ persistedFaceIds }) => persistedFaceIds.length)).toEqual([1]);
    expect(await allRows()).not.toMatch(/Zo|M%C3%BCller|Müller/);
    // Logs of the databases are emptied a few seconds later.
    await eventually('nothing is left on the disk', () => {
      expect(remainsIn(stack.dataDir, traces)).toEqual([]);
      return true;
    });
    const { items } = await stack.get<{ items: ImageView[] }>('groups/club/images');
    expect(items.map(({ image }) => image)).toEqual(['enroll/club/audrey/1.jpg']);
    expect(await stack.group('club')).toMatchObject({ persons: 1, images: { enrolled: 1, removed: 0 } });
    expect(await remove(`groups/club/persons/${encodeURIComponent('Zoë Müllerowska')}`)).toMatchObject({
      status: 404,
      body: { code: 'person_not_found' },
    });
  },
  600_000,
);

test.concurrent(
  'a person who was deleted may come back, and a group that was deleted too',
  async () => {
    await stack.drop('enroll/team/boris/1.jpg', portrait(one));
    await stack.drop('identify/team/probe.jpg', portrait(two));
    await stack.settled('enroll/team/boris/1.jpg', 'enrolled');
    await stack.settled('identify/team/probe.jpg', 'identified');
    await stack.covered('team');
    const first = await remove('groups/team/persons/boris');
    // Storage tells when a blob was written in whole seconds: one of the same second counts as written before.
    await nextSecond();
    await stack.drop('enroll/team/boris/1.jpg', portrait(two));
    await stack.settled('enroll/team/boris/1.jpg', 'enrolled');
    await removed(first.body.id);
    expect(await stack.group('team')).toMatchObject({ persons: 1, images: { enrolled: 1 } });
    expect((await ask('groups/team/identify', three)).faces[0]?.candidates[0]?.person).toBe('boris');

    const second = await remove('groups/team');
    expect(second).toMatchObject({ status: 202, body: { kind: 'group' } });
    expect(await stack.api('groups/team')).toMatchObject({ status: 404, body: { code: 'group_not_found' } });
    expect(await remove('groups/team')).toMatchObject({ status: 202, body: { id: second.body.id } });
    await nextSecond();
    await stack.drop('enroll/team/audrey/1.jpg', portrait('audrey_crop.jpg'));
    await stack.settled('enroll/team/audrey/1.jpg', 'enrolled');
    await stack.covered('team');
    expect(await stack.get('groups/team/persons')).toMatchObject({ items: [{ person: 'audrey' }] });
    expect((await ask('groups/team/identify', three)).faces[0]?.candidates).toEqual([]);
    const proof = await removed(second.body.id);
    expect(proof.erased).toMatchObject({ blobs: 2, faces: 1, pictures: 2 });
    expect(await stack.group('team')).toMatchObject({
      persons: 1,
      images: { enrolled: 1, removed: 0 },
      probes: { identified: 0, removed: 0 },
    });
    expect((await stack.faceOf('team')).map(({ persistedFaceIds }) => persistedFaceIds.length)).toEqual([1]);
    expect(await allRows()).not.toContain('boris');
  },
  240_000,
);

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { startStack, type Endpoints } from '../emulators/stack/stack.ts';
import { buildFunctions } from '../scripts/buildFunctions.ts';
import { annotate, toLabels, writeIndex } from './annotate.ts';
import { apiClient, ApiError, type ApiClient } from './apiClient.ts';
import type { Context } from './context.ts';
import { faceCalls, type FaceCalls } from './faceCalls.ts';
import { enrolled, group, otherPictureOf, probes, refused, type Probe } from './samplePeople.ts';
import { openImageFile } from './imageFile.ts';
import type { Output } from './terminal/output.ts';

/** A line of the table, and whether it is as it should be. */
type Line = { what: string; answer: string; ms: number | ''; right: boolean };

/** Where pictures with names go, and which have gone there. */
type Written = { folder: string; pictures: { name: string; labels: string[] }[] };

const patienceMs = 120_000;
/** Each look at a group is half a dozen calls to the storage. */
const lookEveryMs = 250;
/** The Face service has a thread for each of so many pictures. */
const lookedAtAtOnce = 2;

/**
 * Does the main job on the embedded stack, on real photographs: enrolls the sample people, has them trained,
 * identifies known people and strangers over HTTP, and finds similar faces. Fails unless every answer is right.
 */
export async function demo(
  { output }: Context,
  options: { faceTps: number | 'none'; output: string },
): Promise<void> {
  const clock = stopwatch();
  const dataDir = await mkdtemp(join(tmpdir(), 'rollcall-demo-'));
  const log: string[] = [];
  const stack = await startStack({
    port: 0,
    dataDir,
    faceTps: options.faceTps,
    build: buildFunctions,
    output: (line) => void log.push(line),
  });
  clock.lap('stack ready');
  try {
    const written: Written = { folder: options.output, pictures: [] };
    const lines = await run(stack.endpoints, clock, written);
    print(output, lines, clock, await faceCalls(stack.endpoints.face));
    await writeIndex(written.folder, written.pictures);
    output.print(`Pictures with their names: ${join(written.folder, 'index.html')}`);
    if (lines.some(({ right }) => !right)) throw new Error('not every answer is right');
    output.print('Every answer is right.', 'green');
  } catch (error) {
    console.error(log.filter((line) => / (warning|error) /.test(line)).join('\n'));
    throw error;
  } finally {
    await stack.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function run(at: Endpoints, clock: Stopwatch, written: Written): Promise<Line[]> {
  const call = apiClient(at);
  const blobs = BlobServiceClient.fromConnectionString(at.storageConnectionString);
  const lines = await enrollPeople(call, blobs.getContainerClient('enroll'), clock);
  await mkdir(written.folder, { recursive: true });
  for (let first = 0; first < probes.length; first += lookedAtAtOnce) {
    const some = probes.slice(first, first + lookedAtAtOnce);
    lines.push(...(await Promise.all(some.map((probe) => identifyProbe(call, probe, written)))));
  }
  clock.lap(`${probes.length} pictures identified over HTTP`);
  lines.push(await identifyDropped(call, blobs.getContainerClient('identify')));
  clock.lap('a dropped picture identified');
  lines.push(await findSimilar(call), await verify(call));
  clock.lap('find similar and verify');
  return lines;
}

/** Drops the pictures of the sample people, waits until each has been dealt with and the group is trained. */
async function enrollPeople(call: ApiClient, container: ContainerClient, clock: Stopwatch): Promise<Line[]> {
  const pictures = [...enrolled, ...refused];
  await Promise.all(
    pictures.map(({ person, file }) =>
      container.getBlockBlobClient(`${group}/${person}/${basename(file)}`).uploadFile(file),
    ),
  );
  clock.lap(`${pictures.length} pictures dropped`);
  await until('every picture to be enrolled or refused', async () => {
    const { images } = await groupView(call);
    return images.enrolled + images.rejected + images.failed === pictures.length;
  });
  clock.lap('all enrolled or refused');
  await until('the training', async () => (await groupView(call)).training.covered);
  clock.lap('group trained');
  const { items } = await call('GET groups/{group}/images', { group, query: { top: 1_000 } });
  const stateOf = (file: string) => items.find(({ image }) => image.endsWith(`/${basename(file)}`));
  const failures = enrolled.filter(({ file }) => stateOf(file)?.state !== 'enrolled');
  return [
    {
      what: `${new Set(enrolled.map(({ person }) => person)).size} people, ${enrolled.length} pictures dropped`,
      answer: `${enrolled.length - failures.length} enrolled`,
      ms: '',
      right: failures.length === 0,
    },
    ...refused.map(({ file, reason }): Line => {
      const found = stateOf(file);
      const answer = `${found?.state ?? 'unknown'}: ${found?.reason ?? '-'}`;
      return { what: `${basename(file)} dropped`, answer, ms: '', right: found?.reason === reason };
    }),
  ];
}

async function identifyProbe(call: ApiClient, { file, people }: Probe, written: Written): Promise<Line> {
  const startedAt = performance.now();
  const body = await openImageFile(file);
  const { faces } = await call('POST groups/{group}/identify', { group, body });
  const ms = Math.round(performance.now() - startedAt);
  const named = faces.map(({ candidates }) => candidates[0]?.person);
  const labels = toLabels(faces);
  const name = basename(file);
  await annotate(file, labels, join(written.folder, name));
  written.pictures.push({ name, labels: labels.map(({ label }) => label) });
  const right = faces.length === people.length && people.every((person, index) => named[index] === person);
  const answer = labels.map(({ label }) => label).join(', ');
  return { what: `who is on ${name}?`, answer: answer === '' ? 'nobody' : answer, ms, right };
}

async function identifyDropped(call: ApiClient, container: ContainerClient): Promise<Line> {
  const [probe] = probes;
  if (probe === undefined) throw new Error('there is no probe');
  const image = `identify/${group}/${basename(probe.file)}`;
  const startedAt = performance.now();
  await container.getBlockBlobClient(`${group}/${basename(probe.file)}`).uploadFile(probe.file);
  const result = await until('the result of the dropped picture', async () => {
    const { items } = await call('GET groups/{group}/results', { group, query: { kind: 'identify' } });
    return items.filter((item) => item.kind === 'identify').find((item) => item.image === image);
  });
  const best = result.faces[0]?.candidates[0];
  return {
    what: `${image} dropped`,
    answer: best === undefined ? 'nobody' : `${best.person} ${best.confidence.toFixed(2)}`,
    ms: Math.round(performance.now() - startedAt),
    right: best?.person === probe.people[0],
  };
}

async function findSimilar(call: ApiClient): Promise<Line> {
  const startedAt = performance.now();
  const body = await openImageFile(otherPictureOf.file);
  const { searched, faces } = await call('POST groups/{group}/find-similar', { group, body });
  const matches = faces[0]?.matches ?? [];
  const strangers = matches.filter(
    ({ image }) => image !== undefined && !image.includes(otherPictureOf.marks),
  );
  return {
    what: `where else is the face of ${basename(otherPictureOf.file)}?`,
    answer: `${matches.length} of ${searched} faces, best ${matches[0]?.confidence.toFixed(2) ?? '-'}`,
    ms: Math.round(performance.now() - startedAt),
    right: matches.length > 0 && strangers.length === 0,
  };
}

async function verify(call: ApiClient): Promise<Line> {
  const startedAt = performance.now();
  const { person, file } = otherPictureOf;
  const { isIdentical, confidence } = await call('POST groups/{group}/verify', {
    group,
    query: { person },
    body: await openImageFile(file),
  });
  return {
    what: `is it ${otherPictureOf.person}?`,
    answer: `${isIdentical ? 'yes' : 'no'} ${confidence.toFixed(2)}`,
    ms: Math.round(performance.now() - startedAt),
    right: isIdentical,
  };
}

function groupView(call: ApiClient) {
  return call('GET groups/{group}', { group });
}

async function until<Value>(what: string, probe: () => Promise<Value | undefined | false>): Promise<Value> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    // Before the first picture has arrived there is no group to ask for.
    const value = await probe().catch((error: unknown) => {
      if (error instanceof ApiError && error.code === 'group_not_found') return undefined;
      throw error;
    });
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs / 1_000} s for ${what}`);
    await sleep(lookEveryMs);
  }
}

type Stopwatch = { laps: { what: string; ms: number }[]; lap: (what: string) => void };

function stopwatch(): Stopwatch {
  const laps: Stopwatch['laps'] = [];
  let last = performance.now();
  return {
    laps,
    lap(what) {
      const at = performance.now();
      laps.push({ what, ms: Math.round(at - last) });
      last = at;
    },
  };
}

function print(output: Output, lines: Line[], { laps }: Stopwatch, calls: FaceCalls): void {
  output.print('');
  output.table(lines, [
    { title: '', text: ({ right }) => (right ? '✔' : '✘'), whole: true },
    { title: 'asked', text: ({ what }) => what },
    { title: 'answer', text: ({ answer }) => answer },
    { title: 'ms', text: ({ ms }) => ms, align: 'right', whole: true },
  ]);
  output.print('');
  for (const { what, ms } of laps) output.print(`  ${(ms / 1_000).toFixed(1).padStart(5)} s  ${what}`);
  const counted = Object.entries(calls.byOperation).map(([operation, count]) => `${operation} ${count}`);
  output.print(`\nCalls to Face: ${counted.join(', ')}; refused for the rate: ${calls.refused}`);
}

import { readdir } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { BlobServiceClient } from '@azure/storage-blob';
import { apiClient, readPicture, type ApiClient } from './apiClient.ts';
import type { FailureCode } from '../shared/errors/errors.ts';
import { placeOf } from '../shared/images/imagePath.ts';
import { fetchFrom, readEndpoints, withStorageOf } from './runningStack.ts';

/** Calls the HTTP API of the stack that runs on a folder. @throws Error that says why none answers, and what to do */
async function clientOf(dataDir: string): Promise<ApiClient> {
  const stack = await readEndpoints(dataDir);
  return apiClient({ ...stack, fetch: fetchFrom(stack) });
}

const options = {
  group: { type: 'string' },
  data: { type: 'string', default: '.rollcall' },
} as const;

const picture = /\.(jpe?g|png|gif|bmp|webp|tiff?|avif|hei[cf])$/i;
const uploadsAtOnce = 8;
/** Longer than a storage that ended needs to start again, and not much longer. */
const storageRetries = { maxTries: 6, retryDelayInMs: 250, maxRetryDelayInMs: 2_000 };

/** Drops a folder of `person/*.jpg` into the container. */
export async function enroll(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [folder] = positionals;
  if (folder === undefined || values.group === undefined)
    throw new Error('say which FOLDER, and --group GROUP');
  const files = (await readdir(folder, { recursive: true })).filter((file) => picture.test(file));
  const nested = files
    .map((file) => relative('.', file).split(sep).join('/'))
    .filter((file) => file.includes('/'));
  if (nested.length === 0)
    throw new Error(`${folder} holds no pictures in folders of persons (person/*.jpg)`);
  refuseBadPaths(nested.map((file) => `enroll/${values.group}/${file}`));
  const endpoints = await readEndpoints(values.data);
  const container = BlobServiceClient.fromConnectionString(endpoints.storageConnectionString, {
    retryOptions: storageRetries,
  }).getContainerClient('enroll');
  let done = 0;
  const queue = [...nested];
  const upload = async (): Promise<void> => {
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      await container.getBlockBlobClient(`${values.group}/${file}`).uploadFile(join(folder, file));
      done += 1;
      progress(done, nested.length);
    }
  };
  await withStorageOf(endpoints, () => Promise.all(Array.from({ length: uploadsAtOnce }, upload)));
  console.log(`${done} pictures dropped. What becomes of them: npx rollcall status`);
}

const refusedAtMost = 10;

/** Storage would take some of these names for others. @throws Error that names them, before any picture is dropped */
function refuseBadPaths(paths: readonly string[]): void {
  const refused = paths.map(placeOf).filter((place) => place.kind === 'bad');
  if (refused.length === 0) return;
  const lines = refused.slice(0, refusedAtMost).map(({ image, detail }) => `  ${image}: ${detail}`);
  throw new Error(
    [`bad_path: ${refused.length} of ${paths.length} pictures cannot be dropped.`, ...lines].join('\n'),
  );
}

function progress(done: number, total: number): void {
  if (!process.stdout.isTTY) return;
  const width = 40;
  const full = Math.round((done / total) * width);
  const end = done === total ? '\n' : '';
  process.stdout.write(`\r[${'#'.repeat(full)}${' '.repeat(width - full)}] ${done}/${total}${end}`);
}

/** Asks who is on a picture. */
export async function identify(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [file] = positionals;
  if (file === undefined || values.group === undefined) throw new Error('say which FILE, and --group GROUP');
  const call = await clientOf(values.data);
  const answer = await call('POST groups/{group}/identify', {
    group: values.group,
    body: await readPicture(file),
  });
  if (!answer.trained) console.log('The group has not been trained yet.');
  console.log(`${basename(file)}: ${answer.faces.length} face(s)`);
  if (answer.truncated === true)
    console.log('Face gives at most 100 faces of a picture, the largest: there may be more on it.');
  console.table(
    answer.faces.map(({ faceRectangle, candidates: [best] }) => ({
      ...faceRectangle,
      person: best?.person ?? '-',
      confidence: best?.confidence ?? '-',
    })),
  );
}

/** What is going on, group by group. */
export async function status(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { data: options.data } });
  const call = await clientOf(values.data);
  const { items } = await call('GET groups', { query: { top: 1_000 } });
  const groups = await Promise.all(items.map(({ group }) => call('GET groups/{group}', { group })));
  console.table(
    groups.map(({ group, persons, images, training }) => ({
      group,
      persons,
      ...images,
      training: training.covered ? training.state : `${training.state}, changes wait`,
    })),
  );
}

/** Sends what failed round again, or what failed or was rejected for one reason. */
export async function redrive(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { data: options.data, reason: { type: 'string' } } });
  const reason = values.reason as FailureCode | undefined;
  const call = await clientOf(values.data);
  let sent = 0;
  let after: string | undefined;
  do {
    const { redriven, next } = await call('POST failures/redrive', { query: { reason, after } });
    sent += redriven;
    after = next;
  } while (after !== undefined);
  console.log(`${sent} pictures go round again. What becomes of them: npx rollcall status`);
}

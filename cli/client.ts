import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { BlobServiceClient } from '@azure/storage-blob';
import * as api from './api.ts';
import { fetchFrom, readEndpoints, withStorageOf, type RunningStack } from './runningStack.ts';

/** Calls an operation of the generated client. @throws Error with the code and the detail of a problem */
export async function answerOf<Answer extends { status: number; data: unknown }>(
  call: Promise<Answer>,
): Promise<Extract<Answer, { status: 200 | 202 }>['data']> {
  const answer = await call;
  if (answer.status < 300) return answer.data;
  throw problemError(answer.data as api.Problem);
}

/** What the generated client sends to a stack. */
export function to(stack: RunningStack) {
  const { http, httpKey } = stack;
  const headers: Record<string, string> = httpKey === undefined ? {} : { 'x-functions-key': httpKey };
  return { baseUrl: http, headers, fetch: fetchFrom(stack) };
}

/**
 * What the generated client sends where the body is the picture in a file. The generator knows one kind of body an
 * operation, which is JSON here: the picture takes its place as the request leaves.
 */
export async function toWithPicture(stack: RunningStack, file: string) {
  const picture = new Blob([await readFile(file)]);
  const at = to(stack);
  const send: typeof fetch = (url, init) => {
    const headers = new Headers(init?.headers);
    headers.set('content-type', 'application/octet-stream');
    return at.fetch(url, { ...init, headers, body: picture });
  };
  return { ...at, fetch: send };
}

/** Stands where the picture will be. */
export const pictureInstead = { image: 'a picture' };

function problemError({ code, title, detail }: api.Problem): Error {
  return new Error(`${code}: ${detail ?? title}`);
}

const options = {
  group: { type: 'string' },
  data: { type: 'string', default: '.rollcall' },
} as const;

const picture = /\.(jpe?g|png|gif|bmp|webp|tiff?|avif)$/i;
const uploadsAtOnce = 8;
/** Longer than a storage that ended needs to start again, and not much longer. */
const storageRetries = { maxTries: 6, retryDelayInMs: 250, maxRetryDelayInMs: 2_000 };

/** Drops a folder of `person/*.jpg` into the container. */
export async function enroll(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [folder] = positionals;
  if (folder === undefined || values.group === undefined)
    throw new Error('say which FOLDER, and --group GROUP');
  const endpoints = await readEndpoints(values.data);
  const container = BlobServiceClient.fromConnectionString(endpoints.storageConnectionString, {
    retryOptions: storageRetries,
  }).getContainerClient('enroll');
  const files = (await readdir(folder, { recursive: true })).filter((file) => picture.test(file));
  const nested = files
    .map((file) => relative('.', file).split(sep).join('/'))
    .filter((file) => file.includes('/'));
  if (nested.length === 0)
    throw new Error(`${folder} holds no pictures in folders of persons (person/*.jpg)`);
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
  const endpoints = await readEndpoints(values.data);
  const at = await toWithPicture(endpoints, file);
  const answer = await answerOf(api.identify(values.group, pictureInstead, {}, at));
  if (!answer.trained) console.log('The group has not been trained yet.');
  console.log(`${basename(file)}: ${answer.faces.length} face(s)`);
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
  const at = to(await readEndpoints(values.data));
  const { items } = await answerOf(api.listGroups({ top: 1_000 }, at));
  const groups = await Promise.all(items.map(({ group }) => answerOf(api.getGroup(group, {}, at))));
  console.table(
    groups.map(({ group, persons, images, training }) => ({
      group,
      persons,
      ...images,
      training: training.covered ? training.state : `${training.state}, changes wait`,
    })),
  );
}

/** Sends what failed round again. */
export async function redrive(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { data: options.data } });
  const at = to(await readEndpoints(values.data));
  let sent = 0;
  for (let more = true; more;) {
    const answer = await answerOf(api.redrive({}, at));
    sent += answer.redriven;
    more = answer.more && answer.redriven > 0;
  }
  console.log(`${sent} failed pictures go round again. What becomes of them: npx rollcall status`);
}

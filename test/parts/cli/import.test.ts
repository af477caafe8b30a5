import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clientCommands } from '../../../cli/commands/clientCommands.ts';
import { runHere, startCli } from '../../helpers/cli.ts';
import { eventually } from '../../helpers/eventually.ts';
import { hasSignals } from '../../helpers/signals.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

/* The import against a server that stands in for the API, and that can be slow, refuse, or end. */

type Answer = { status: number; body: object };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: Server;
let put: string[];
let answer: (path: string) => Answer | Promise<Answer>;

const accepted: Answer = { status: 202, body: { image: 'x' } };
const problem = (status: number, code: string): Answer => ({ status, body: { code, title: code, status } });

beforeEach(async () => {
  folder = await temporaryFolder();
  put = [];
  answer = () => accepted;
  server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await folder.remove();
});

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = decodeURIComponent(request.url ?? '');
  request.resume();
  await once(request, 'end');
  const of = request.method === 'PUT' ? await answer(path) : { status: 200, body: { items: [] } };
  if (request.method === 'PUT') put.push(path.split('/').at(-1) ?? '');
  response.writeHead(of.status, { 'content-type': 'application/json' }).end(JSON.stringify(of.body));
}

async function writePictures(count: number): Promise<string[]> {
  await mkdir(join(folder.path, 'ann'));
  const names = Array.from({ length: count }, (_, index) => `${index}.jpg`);
  for (const name of names) await writeFile(join(folder.path, 'ann', name), name);
  return names;
}

function line(): string[] {
  const { port } = server.address() as AddressInfo;
  return ['import', folder.path, '--group', 'g', '--url', `http://127.0.0.1:${port}`];
}

test.skipIf(!hasSignals)('Ctrl-C finishes what is on its way, and says how to go on', async () => {
  await writePictures(30);
  const gate = Promise.withResolvers<void>();
  let waiting = 0;
  answer = async () => {
    waiting += 1;
    await gate.promise;
    return accepted;
  };
  const command = startCli(line());
  await eventually('eight are on their way', () => waiting === 8);
  command.child.kill('SIGINT');
  await command.says('Stopping: what is on its way is finished.');
  gate.resolve();
  expect(await command.ended).toBe(130);
  expect(put).toHaveLength(8);
  expect(command.output().join('\n')).toContain(
    'Stopped: 22 are not sent. The same command goes on where this one ended',
  );
});

test('a file that is refused or fails does not end the others', async () => {
  const names = await writePictures(20);
  answer = (path) => {
    if (path.endsWith('/3.jpg')) return problem(413, 'image_too_large');
    return path.endsWith('/7.jpg') ? problem(409, 'image_archived') : accepted;
  };
  const { code, output } = await runHere(clientCommands, line());
  expect(code).toBe(1);
  expect(put.toSorted()).toEqual(names.toSorted());
  expect(output).toContain('18 sent, 0 there already, 1 refused, 1 failed.');
});

test('a file that is gone when its turn comes fails alone', async () => {
  await writePictures(30);
  await mkdir(join(folder.path, 'bob'));
  await writeFile(join(folder.path, 'bob', 'stays.jpg'), 'x');
  answer = async () => {
    await rm(join(folder.path, 'ann'), { recursive: true, force: true });
    return accepted;
  };
  const { code, output } = await runHere(clientCommands, line());
  expect(code).toBe(1);
  expect(put).toContain('stays.jpg');
  expect(output).toContain('ENOENT');
  expect(output).not.toContain('are not sent');
});

test('a server that is busy is asked again', async () => {
  await writePictures(1);
  let tries = 0;
  answer = () => {
    tries += 1;
    return tries < 2 ? problem(503, 'storage_unavailable') : accepted;
  };
  expect(await runHere(clientCommands, line())).toMatchObject({ code: 0 });
  expect(put).toEqual(['0.jpg', '0.jpg']);
});

test('where the caller may not, nothing more is sent', async () => {
  await writePictures(30);
  answer = () => problem(403, 'not_allowed');
  const { code, output } = await runHere(clientCommands, line());
  expect(code).toBe(1);
  expect(put.length).toBeLessThanOrEqual(8);
  expect(output).toContain('30 are not sent.');
});

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { beforeResponses } from '../../../emulators/storage/beforeResponses.ts';

const server = createServer((request, response) => {
  if (request.url === '/implicit') return response.end('x');
  if (request.url === '/piecewise') response.write('x');
  else response.writeHead(201);
  response.end();
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

test('nothing of an answer leaves when what comes before it fails', async () => {
  const statuses: number[] = [];
  const failures: unknown[] = [];
  let broken = false;
  beforeResponses(
    server,
    (_request, _response, status) => {
      if (broken) throw new Error('the disk is full');
      statuses.push(status);
    },
    (error) => failures.push(error),
  );
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const paths = ['/implicit', '/piecewise', '/explicit'];
  for (const path of paths) await (await fetch(`${url}${path}`)).text();
  expect(statuses).toEqual([200, 200, 201]);
  broken = true;
  for (const path of paths) await expect(fetch(`${url}${path}`)).rejects.toThrow('fetch failed');
  expect(failures).toEqual(paths.map(() => new Error('the disk is full')));
});

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clientCommands } from '../../../cli/commands/clientCommands.ts';
import { runHere } from '../../helpers/cli.ts';

let server: Server;
let asked: string[];

const erased = { blobs: 1, faces: 2, pictures: 3, faceIds: 0, results: 0 };
const kept = [{ what: 'probes', why: 'They stay.' }];

/** A deletion that has removed everything when its receipt is read for the second time. */
beforeEach(async () => {
  asked = [];
  server = createServer(({ method = '', url = '' }, response) => {
    asked.push(`${method} ${url}`);
    const state = asked.length < 3 ? 'running' : 'removed';
    response
      .writeHead(method === 'DELETE' ? 202 : 200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ id: 'e1', group: 'g', kind: 'person', state, erased, kept }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => void server.close());

test('a deletion waits until its receipt says that everything is removed', async () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const line = ['delete', 'dad', '--group', 'g', '--probes', '--yes', '--url', url];
  const { code, output } = await runHere(clientCommands, line);
  expect(code).toBe(0);
  expect(asked).toEqual([
    'DELETE /api/groups/g/persons/dad?probes=delete',
    'GET /api/erasures/e1',
    'GET /api/erasures/e1',
  ]);
  expect(output).toContain('Removed: 1 picture, 2 faces in Face, 3 records, 0 face IDs, 0 results.');
  expect(output).toContain('Kept: probes. They stay.');
});

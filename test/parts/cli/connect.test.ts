import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clientCommands } from '../../../cli/commands/clientCommands.ts';
import { runHere } from '../../helpers/cli.ts';
import { expectOwnerOnly } from '../../helpers/ownerOnly.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

/* What a command says of a server that lets nobody in, is not Rollcall, or sends its callers elsewhere. */

let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function people(...args: string[]): Promise<string> {
  const { code, output } = await runHere(clientCommands, ['people', '--group', 'g', '--url', url, ...args]);
  expect(code).toBe(1);
  return output;
}

const refuse =
  (headers = {}) =>
  (_: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(401, headers).end();

test('a server that asks for a key says how one is remembered', async () => {
  answer = refuse();
  expect(await people()).toContain(`${url} asks for a key: rollcall login NAME --url ${url}`);
  const withKey = await people('--key', 'the-secret-itself');
  expect(withKey).toContain('does not take this key');
  expect(withKey).not.toContain('the-secret-itself');
});

test('a server that asks for Microsoft Entra says how one signs in', async () => {
  answer = refuse({ 'www-authenticate': 'Bearer realm="work" authorization_uri="https://login.example"' });
  expect(await people()).toContain(
    'asks for a sign-in with Microsoft Entra: az login, then rollcall login NAME',
  );
});

test('what is no Rollcall is told', async () => {
  answer = (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
  expect(await people()).toContain(`what answers at ${url} is not Rollcall`);
});

test('a key goes to no other address', async () => {
  const seen: (string | undefined)[] = [];
  answer = ({ url: path, headers }, response) => {
    seen.push(`${path ?? ''} ${String(headers['x-functions-key'])}`);
    response.writeHead(302, { location: '/elsewhere' }).end();
  };
  await runHere(clientCommands, ['redrive', '--url', url, '--key', 'k']);
  expect(seen).toEqual(['/api/failures/redrive k']);
});

test('a login reads the key from the standard input, tries it, and remembers it for its owner', async () => {
  const folder = await temporaryFolder();
  answer = ({ headers }, response) =>
    void (headers['x-functions-key'] === 'right'
      ? response.writeHead(200).end('{"items":[]}')
      : response.writeHead(401).end());
  const login = async (key: string): Promise<{ code: number | null; output: string }> => {
    const line = ['cli/main.ts', 'login', 'work', '--url', url];
    const child = execFile(process.execPath, line, { env: { ...process.env, XDG_CONFIG_HOME: folder.path } });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => (output += String(chunk)));
    child.stdin?.end(`${key}\n`);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  };
  const file = join(folder.path, 'rollcall', 'deployments.json');
  expect(await login('wrong')).toMatchObject({ code: 1 });
  await expect(readFile(file)).rejects.toThrow('ENOENT');
  const { code, output } = await login('right');
  expect(code).toBe(0);
  expect(output).not.toContain('right');
  expectOwnerOnly(file);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
    last: 'work',
    deployments: { work: { url, key: 'right' } },
  });
  await folder.remove();
});

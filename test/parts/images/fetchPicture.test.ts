import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MockAgent, type Dispatcher } from 'undici';
import { afterEach, expect, test } from 'vitest';
import { fetchImage, pinnedTo, type Network } from '../../../shared/images/fetchImage.ts';
import { certificate } from '../../helpers/certificate.ts';

/* The internet cannot be had in a test: hosts and servers are mocked where a URL is not refused before. */

const publicAddress = '93.184.216.34';
const origin = 'https://pictures.example';

/** Addresses that are not on the public internet, in every way to write them that a URL has. */
const addresses = [
  // This machine.
  ...['127.0.0.1', '127.0.0.2', '127.255.255.254', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.1'],
  ...['0177.0.0.1', '017700000001', '0x7f.0x0.0x0.0x1', '0', '0.0.0.0', '0x0', '00', '127.0.0.1.'],
  ...[
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[::7f00:1]',
  ],
  ...['[0000::1]', '[::ffff:0:127.0.0.1]', '[64:ff9b::127.0.0.1]', '[64:ff9b:1::7f00:1]'],
  ...['localhost', 'LOCALHOST', 'localhost.'],
  // Private networks.
  ...['10.0.0.1', '10.255.255.255', '10.1', '167772161', '0x0a000001', '012.0.0.1', '[::ffff:10.0.0.1]'],
  ...['172.16.0.1', '172.31.255.255', '172.20.10.2', '2886729729', '0xac100001', '[::ffff:ac10:1]'],
  ...['192.168.0.1', '192.168.255.255', '192.168.1', '3232235521', '0xc0a80001', '0300.0250.0.1'],
  ...['[fc00::1]', '[fd00::1]', '[fdff:ffff::1]', '[fd12:3456:789a:1::1]'],
  // Link-local, with the metadata services of the clouds.
  ...['169.254.169.254', '169.254.0.1', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518'],
  ...['[::ffff:169.254.169.254]', '[::ffff:a9fe:a9fe]', '[fe80::1]', '[febf::1]', '[fd00:ec2::254]'],
  ...['[64:ff9b::a9fe:a9fe]', '[2002:a9fe:a9fe::]', '[2002:7f00:1::]', '[2002:c0a8:1::1]', '[2002:a00:1::]'],
  ...['168.63.129.16'],
  // Carriers, tests, benchmarks, multicast, what is reserved.
  ...[
    '100.64.0.1',
    '100.127.255.254',
    '192.0.0.1',
    '192.0.0.170',
    '192.0.2.1',
    '198.51.100.7',
    '203.0.113.9',
  ],
  ...['198.18.0.1', '198.19.255.255', '192.88.99.1', '224.0.0.1', '239.255.255.250', '240.0.0.1'],
  ...['255.255.255.255', '4294967295', '0xffffffff', '[ff02::1]', '[ff05::2]', '[ff0e::1]'],
  ...['[2001:db8::1]', '[2001::1]', '[2001:10::1]', '[2001:20::1]', '[100::1]', '[::ffff:0.0.0.0]', '[::2]'],
  ...[
    '[fec0::1]',
    '[3fff::1]',
    '[5f00::1]',
    '[3ffe::1]',
    '[2600::5efe:a9fe:a9fe]',
    '[2600::200:5efe:7f00:1]',
  ],
];

const refusedUrls = [
  'http://example.com/a.jpg',
  'ftp://example.com/a.jpg',
  'file:///etc/passwd',
  'data:image/png;base64,AAAA',
  'gopher://example.com/',
  'blob:https://example.com/1',
  '//example.com/a.jpg',
  'example.com/a.jpg',
  'https://user@example.com/a.jpg',
  'https://user:secret@example.com/a.jpg',
  'https://:secret@example.com/',
  'https://example.com:8443/a.jpg',
  'https://example.com:22/',
  'https://example.com:0/',
  'https://',
  'https://[::1/',
  'https://exa mple.com/',
  'https://%00/',
  '',
];

/** Fails when anything is connected to. */
const nothing: Network = {
  resolve: async (host) =>
    host === 'example.com' ? [{ address: publicAddress }] : lookup(host, { all: true }),
  connectTo: (address) => {
    throw new Error(`connected to ${address}`);
  },
};

test.each(addresses)('nothing is fetched from https://%s', async (host) => {
  await expect(fetchImage(`https://${host}/a.jpg`, nothing)).rejects.toMatchObject({ code: 'url_refused' });
});

test.each(refusedUrls)('the URL %j is refused', async (url) => {
  await expect(fetchImage(url, nothing)).rejects.toMatchObject({ code: 'url_refused' });
});

test('there are a hundred cases at least, as many as the guide says', async () => {
  const cases = new Set([...addresses, ...refusedUrls]).size;
  expect(cases).toBeGreaterThanOrEqual(100);
  expect(await readFile('docs/security.md', 'utf8')).toContain(`${cases} URLs`);
});

/** A network on which hosts have these addresses, and pictures.example answers so. */
function networkOf(
  hosts: Record<string, string[]>,
  answer: (agent: MockAgent) => void,
): Network & { connected: string[] } {
  const connected: string[] = [];
  return {
    connected,
    async resolve(host) {
      return (hosts[host] ?? [publicAddress]).map((address) => ({ address }));
    },
    connectTo(address) {
      connected.push(address);
      const agent = new MockAgent();
      agent.disableNetConnect();
      answer(agent);
      // The mock has no destroy.
      const dispatcher: Dispatcher = Object.assign(agent, { destroy: async () => undefined });
      return dispatcher;
    },
  };
}

test('a picture is fetched from exactly the address that was checked', async () => {
  const network = networkOf({}, (agent) =>
    agent.get(origin).intercept({ path: '/a.jpg' }).reply(200, 'bytes'),
  );
  expect(Buffer.from(await fetchImage(`${origin}/a.jpg`, network)).toString()).toBe('bytes');
  expect(network.connected).toEqual([publicAddress]);
});

test('one private address of a host is enough to refuse it', async () => {
  const network = networkOf({ 'pictures.example': [publicAddress, '10.0.0.7'] }, () => undefined);
  await expect(fetchImage(`${origin}/a.jpg`, network)).rejects.toMatchObject({ code: 'url_refused' });
  expect(network.connected).toEqual([]);
});

test('a host that resolves to another address after the check is not asked again', async () => {
  let asked = 0;
  const network = networkOf({}, (agent) =>
    agent.get(origin).intercept({ path: '/a.jpg' }).reply(200, 'bytes'),
  );
  const rebinding: Network = {
    ...network,
    async resolve() {
      asked += 1;
      return [{ address: asked === 1 ? publicAddress : '127.0.0.1' }];
    },
  };
  await fetchImage(`${origin}/a.jpg`, rebinding);
  expect(asked).toBe(1);
  expect(network.connected).toEqual([publicAddress]);
});

test.each([
  'https://127.0.0.1/',
  'https://internal.example/',
  'http://pictures.example/b.jpg',
  'https://pictures.example:8080/',
  'https://169.254.169.254/metadata/instance',
  'file:///etc/passwd',
  'https://[::1/',
])('a redirect to %s is refused', async (location) => {
  const network = networkOf(
    {
      'internal.example': ['192.168.0.9'],
      '127.0.0.1': ['127.0.0.1'],
      '169.254.169.254': ['169.254.169.254'],
    },
    (agent) => agent.get(origin).intercept({ path: '/a.jpg' }).reply(302, '', { headers: { location } }),
  );
  await expect(fetchImage(`${origin}/a.jpg`, network)).rejects.toMatchObject({ code: 'url_refused' });
  expect(network.connected).toEqual([publicAddress]);
});

test('redirects are followed three times, each checked anew', async () => {
  const hops = (count: number) =>
    networkOf({}, (agent) => {
      for (let hop = 0; hop < count; hop += 1)
        agent
          .get(origin)
          .intercept({ path: `/${hop}` })
          .reply(302, '', { headers: { location: `/${hop + 1}` } });
      agent
        .get(origin)
        .intercept({ path: `/${count}` })
        .reply(200, 'bytes');
    });
  await expect(fetchImage(`${origin}/0`, hops(3))).resolves.toHaveLength(5);
  await expect(fetchImage(`${origin}/0`, hops(4))).rejects.toMatchObject({ code: 'url_refused' });
});

test('a server that fails, and one that sends too much', async () => {
  const failing = networkOf({}, (agent) => agent.get(origin).intercept({ path: '/a' }).reply(500, 'secret'));
  await expect(fetchImage(`${origin}/a`, failing)).rejects.toMatchObject({
    code: 'url_refused',
    message: 'The server answered 500.',
  });
  const large = networkOf({}, (agent) =>
    agent
      .get(origin)
      .intercept({ path: '/a' })
      .reply(200, Buffer.alloc(64 * 1024 * 1024 + 1)),
  );
  await expect(fetchImage(`${origin}/a`, large)).rejects.toMatchObject({ code: 'image_too_large' });
});

test('a name that does not exist and one of the inner network are refused in the same words', async () => {
  const network = networkOf({ 'internal.example': ['10.0.0.7'] }, () => undefined);
  const unknown: Network = { ...network, resolve: () => Promise.reject(new Error('ENOTFOUND')) };
  const said = (of: Network) =>
    fetchImage('https://internal.example/', of).catch((error: Error) => error.message);
  expect(await said(network)).toBe(await said(unknown));
  expect(await said(network)).toMatch(/no address on the public internet/);
});

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/**
 * A real server on this machine that stands for the public address: the check sees the public address, the real
 * pinned connection goes here, since no test can have a public host. The port is the other thing that is exchanged.
 */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Network> {
  const server = createServer(certificate, answer).listen(0, '127.0.0.1');
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    resolve: async () => [{ address: publicAddress }],
    connectTo: () =>
      pinnedTo('127.0.0.1', { ca: certificate.cert }).compose((dispatch) => (options, handler) => {
        const there = new URL(options.origin ?? origin);
        there.port = String(port);
        return dispatch({ ...options, origin: there }, handler);
      }),
  };
}

test('a connection goes to the pinned address, for the host whose certificate it has to show', async () => {
  const seen: (string | undefined)[] = [];
  const network = await serve((request, response) => {
    seen.push(request.headers.host?.split(':', 1)[0]);
    response.end('bytes');
  });
  expect(Buffer.from(await fetchImage(`${origin}/a.jpg`, network)).toString()).toBe('bytes');
  expect(seen).toEqual(['pictures.example']);
  // The same server under another name has no certificate for it.
  await expect(fetchImage('https://other.example/a.jpg', network)).rejects.toMatchObject({
    code: 'url_refused',
  });
  expect(seen).toHaveLength(1);
});

const inAMoment = 400;

test.each<[string, (response: ServerResponse) => void]>([
  ['never answers', () => undefined],
  ['never ends its headers', (response) => void response.socket?.write('HTTP/1.1 200 OK\r\nx: ')],
  ['stops in the middle', (response) => void response.writeHead(200, { 'content-length': '9' }).write('by')],
  [
    'sends a byte now and then for ever',
    (response) => {
      const timer = setInterval(() => response.write('x'), 20);
      stops.push(() => clearInterval(timer));
    },
  ],
  [
    'redirects to itself, slowly',
    (response) => void setTimeout(() => response.writeHead(302, { location: '/' }).end(), inAMoment * 0.6),
  ],
])('a server that %s is given up at the limit', async (_what, answer) => {
  const network = await serve((_request, response) => answer(response));
  await expect(fetchImage(`${origin}/`, network, inAMoment)).rejects.toMatchObject({ code: 'url_refused' });
});

test('a resolver that does not answer is given up at the same limit', async () => {
  const network: Network = { ...nothing, resolve: () => new Promise(() => undefined) };
  await expect(fetchImage(`${origin}/`, network, inAMoment)).rejects.toMatchObject({ code: 'url_refused' });
});

test('a server that says that it has too much is not listened to', async () => {
  let ended = false;
  const network = await serve((_request, response) => {
    response.on('close', () => {
      ended = !response.writableFinished;
    });
    response.writeHead(200, { 'content-length': String(64 * 1024 * 1024 + 1) }).write('x');
  });
  await expect(fetchImage(`${origin}/`, network)).rejects.toMatchObject({ code: 'image_too_large' });
  await expect.poll(() => ended, { timeout: 60_000 }).toBe(true);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../helpers/eventually.ts';
import { franck, portrait } from '../helpers/pictures.ts';
import { startTestStack, type ImageView, type TestStack } from '../helpers/stack.ts';
import { startTcpProxy, type Weather } from '../helpers/tcpProxy.ts';

const services = ['blob', 'table', 'service bus', 'face'] as const;
type Service = (typeof services)[number];

const faultMs = 4_000;
/** Thirty seconds after the fault, and what the import itself takes on a busy machine. */
const recoveryMs = 45_000;

let proxies: Record<Service, Awaited<ReturnType<typeof startTcpProxy>>>;
let stack: TestStack;

beforeAll(async () => {
  proxies = {
    blob: await startTcpProxy(),
    table: await startTcpProxy(),
    'service bus': await startTcpProxy(),
    face: await startTcpProxy(),
  };
  stack = await startTestStack({
    faceTps: 20,
    settings({ face, storageConnectionString, serviceBusConnectionString }) {
      return {
        FACE_ENDPOINT: through('face', face, /:(\d+)$/),
        ROLLCALL_STORAGE: through(
          'table',
          through('blob', storageConnectionString, /BlobEndpoint=http:\/\/127\.0\.0\.1:(\d+)/),
          /TableEndpoint=http:\/\/127\.0\.0\.1:(\d+)/,
        ),
        ROLLCALL_SERVICEBUS: through('service bus', serviceBusConnectionString, /127\.0\.0\.1:(\d+)/),
        FACE_TIMEOUT_SECONDS: '5',
      };
    },
  });
});

afterAll(async () => {
  await stack.close();
  for (const proxy of Object.values(proxies)) proxy.close();
});

/** The address with the proxy's port instead of the service's. */
function through(service: Service, address: string, where: RegExp): string {
  const [found = '', port = ''] = where.exec(address) ?? [];
  if (found === '') throw new Error(`no port in the address of ${service}`);
  proxies[service].aimAt(Number(port));
  return address.replace(found, found.replace(port, String(proxies[service].port)));
}

const weathers: Weather[] = ['latency', 'trickle', 'black hole', 'reset', 'half-open'];
const cases = services.flatMap((service) =>
  weathers
    // A Service Bus client finds out about a dead connection by its heartbeat only, after a minute or two.
    .filter((weather) => service !== 'service bus' || weather !== 'half-open')
    .map((weather) => ({ service, weather })),
);

test.each(cases)(
  'an import goes on when between it and $service there is $weather',
  { timeout: 120_000 },
  async ({ service, weather }) => {
    const group = `${service}-${weather}`.replaceAll(' ', '-');
    const paths = franck.slice(0, 8).map((file, index) => {
      return { path: `enroll/${group}/p${index % 3}/${file}`, bytes: portrait(file) };
    });
    await Promise.all(paths.slice(0, 4).map(({ path, bytes }) => stack.drop(path, bytes)));
    proxies[service].change(weather);
    await Promise.all(paths.slice(4).map(({ path, bytes }) => stack.drop(path, bytes)));
    await sleep(faultMs);
    proxies[service].change('fair');

    await eventually(
      'every picture is enrolled',
      async () => (await stack.group(group)).images['enrolled'] === paths.length,
      recoveryMs,
    );
    const { items } = await stack.get<{ items: ImageView[] }>(`groups/${group}/images?top=1000`);
    const named = items.flatMap(({ persistedFaceId }) => persistedFaceId ?? []);
    expect(named).toHaveLength(paths.length);
    await eventually('Face holds the faces of the ledger, and no others', async () => {
      const held = (await stack.faceOf(group)).flatMap(({ persistedFaceIds }) => persistedFaceIds);
      return held.toSorted().join() === named.toSorted().join();
    });
    await stack.covered(group);
  },
);

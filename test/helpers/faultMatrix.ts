import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './eventually.ts';
import { franck, portrait } from './pictures.ts';
import { startTestStack } from './stack.ts';
import { startTcpProxy, type Weather } from './tcpProxy.ts';

const services = ['blob', 'table', 'service bus', 'face'] as const;
const weathers: Weather[] = ['latency', 'trickle', 'black hole', 'reset', 'half-open'];

export type Fault = { service: (typeof services)[number]; weather: Weather };

/** Every fault that is put between the pipeline and a service. */
export const faults: Fault[] = services.flatMap((service) =>
  weathers
    // A Service Bus client finds out about a dead connection by its heartbeat only, after a minute or two.
    .filter((weather) => service !== 'service bus' || weather !== 'half-open')
    .map((weather) => ({ service, weather })),
);

const faultMs = 4_000;
/** Thirty seconds after the fault, and what the import itself takes on a busy machine. */
const recoveryMs = 45_000;
const picturesOfImport = 8;

export type FaultyStack = Awaited<ReturnType<typeof startFaultyStack>>;

/** The embedded stack with a proxy between the pipeline and each service. */
export async function startFaultyStack() {
  const proxies = {
    blob: await startTcpProxy(),
    table: await startTcpProxy(),
    'service bus': await startTcpProxy(),
    face: await startTcpProxy(),
  };

  /** The address with the proxy's port instead of the service's. */
  function through(service: Fault['service'], address: string, where: RegExp): string {
    const [found = '', port = ''] = where.exec(address) ?? [];
    if (found === '') throw new Error(`no port in the address of ${service}`);
    proxies[service].aimAt(Number(port));
    return address.replace(found, found.replace(port, String(proxies[service].port)));
  }

  const stack = await startTestStack({
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

  return {
    stack,
    proxies,
    async close(): Promise<void> {
      await stack.close();
      for (const proxy of Object.values(proxies)) proxy.close();
    },
  };
}

/**
 * Drops half of an import, then the fault comes, then the other half is dropped, then the fault ends. Resolves when
 * every picture is enrolled, with the milliseconds since the end of the fault.
 */
export async function importThrough(
  { stack, proxies }: FaultyStack,
  { service, weather }: Fault,
): Promise<{ group: string; pictures: number; recoveredAfterMs: number }> {
  const group = `${service}-${weather}`.replaceAll(' ', '-');
  const drop = (files: readonly string[]): Promise<unknown> =>
    Promise.all(
      files.map((file) => stack.drop(`enroll/${group}/p${personOf(file)}/${file}`, portrait(file))),
    );
  const files = franck.slice(0, picturesOfImport);
  await drop(files.slice(0, picturesOfImport / 2));
  proxies[service].change(weather);
  await drop(files.slice(picturesOfImport / 2));
  await sleep(faultMs);
  proxies[service].change('fair');
  const endedAt = performance.now();
  await eventually(
    'every picture is enrolled',
    async () => (await stack.group(group)).images['enrolled'] === picturesOfImport,
    recoveryMs,
  );
  return { group, pictures: picturesOfImport, recoveredAfterMs: performance.now() - endedAt };
}

function personOf(file: string): number {
  return franck.indexOf(file) % 3;
}

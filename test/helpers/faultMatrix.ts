import { setTimeout as sleep } from 'node:timers/promises';
import { QueueServiceClient } from '@azure/storage-queue';
import { poisonQueue } from '../../shared/config/resources.ts';
import { eventually } from './eventually.ts';
import { franck, portrait } from './pictures.ts';
import { startTestStack, type TestStack } from './stack.ts';
import { startTcpProxy, type TcpProxy, type Weather } from './tcpProxy.ts';

const services = ['blob', 'queue', 'table', 'service bus', 'face'] as const;
const weathers: Weather[] = ['latency', 'trickle', 'black hole', 'reset', 'half-open'];

export type Fault = { service: (typeof services)[number]; weather: Weather; forMs: number };

/** Long enough for calls to fail, and for the next ones to meet the fault again. */
const shortMs = 4_000;

/** Every fault that is put between the pipeline and a service. */
export const faults: Fault[] = services.flatMap((service) =>
  weathers.map((weather) => ({ service, weather, forMs: shortMs })),
);

/** One for each service, and one that lasts longer than any time limit. */
export const faultsOfSeveralInstances: Fault[] = [
  { service: 'blob', weather: 'reset', forMs: shortMs },
  { service: 'queue', weather: 'black hole', forMs: shortMs },
  { service: 'table', weather: 'latency', forMs: shortMs },
  { service: 'service bus', weather: 'half-open', forMs: shortMs },
  { service: 'face', weather: 'black hole', forMs: 60_000 },
];

/** Each service and each weather once, all at the same time. */
export const eachWeatherOnce: Fault[] = [
  { service: 'blob', weather: 'trickle', forMs: shortMs },
  { service: 'queue', weather: 'black hole', forMs: shortMs },
  { service: 'table', weather: 'latency', forMs: shortMs },
  { service: 'service bus', weather: 'half-open', forMs: shortMs },
  { service: 'face', weather: 'reset', forMs: shortMs },
];

/** No fault at all: how long an import takes here. */
export const calm: Fault = { service: 'face', weather: 'fair', forMs: 0 };
const picturesOfImport = 8;
/** Only ends a test that would wait for ever. How long a recovery takes is told by `npm run bench -- recovery`. */
const patienceMs = 240_000;

export type FaultyStack = {
  stack: TestStack;
  proxies: Record<Fault['service'], TcpProxy>;
  close(): Promise<void>;
};

/** The embedded stack with a proxy between the pipeline and each service. */
export async function startFaultyStack(instances = 1): Promise<FaultyStack> {
  const proxies = {
    blob: await startTcpProxy(),
    queue: await startTcpProxy(),
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
    instances,
    settings({ face, storageConnectionString, serviceBusConnectionString }) {
      return {
        FACE_ENDPOINT: through('face', face, /:(\d+)$/),
        ROLLCALL_STORAGE: (['blob', 'queue', 'table'] as const).reduce(
          (text, service) =>
            through(service, text, new RegExp(`${service}Endpoint=http://127\\.0\\.0\\.1:(\\d+)`, 'i')),
          storageConnectionString,
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
 * Drops half of an import, then the faults come, then the other half is dropped, and the trigger gives up on something,
 * then the faults end. Resolves when every picture is enrolled and the poison queue is empty, with the milliseconds
 * since their end.
 */
export async function importThrough(
  { stack, proxies }: FaultyStack,
  ...met: Fault[]
): Promise<{ group: string; pictures: number; recoveredAfterMs: number }> {
  const group = met
    .map(({ service, weather, forMs }) => `${service}-${weather}-${forMs}`)
    .join('-')
    .replaceAll(' ', '-')
    .slice(0, 48);
  const drop = (files: readonly string[]): Promise<unknown> =>
    Promise.all(
      files.map((file) => stack.drop(`enroll/${group}/p${personOf(file)}/${file}`, portrait(file))),
    );
  const files = franck.slice(0, picturesOfImport);
  await drop(files.slice(0, picturesOfImport / 2));
  for (const { service, weather } of met) proxies[service].change(weather);
  await drop(files.slice(picturesOfImport / 2));
  const poison = QueueServiceClient.fromConnectionString(
    stack.stack.endpoints.storageConnectionString,
  ).getQueueClient(poisonQueue);
  await poison.createIfNotExists();
  await poison.sendMessage('given up');
  await sleep(Math.max(...met.map(({ forMs }) => forMs)));
  for (const { service } of met) proxies[service].change('fair');
  const endedAt = performance.now();
  await eventually(
    'every picture is enrolled',
    async () => {
      return (await stack.group(group)).images['enrolled'] === picturesOfImport;
    },
    patienceMs,
  );
  await eventually(
    'the poison queue is empty',
    async () => (await poison.getProperties()).approximateMessagesCount === 0,
    patienceMs,
  );
  return { group, pictures: picturesOfImport, recoveredAfterMs: performance.now() - endedAt };
}

function personOf(file: string): number {
  return franck.indexOf(file) % 3;
}

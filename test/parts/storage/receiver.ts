import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export type ReceivedEvent = {
  id: string;
  topic: string;
  subject: string;
  eventType: string;
  eventTime: string;
  dataVersion: string;
  metadataVersion: string;
  data: Record<string, string> & { contentLength: number };
};

export type Received = { path: string; aegEventType: string | undefined; event: ReceivedEvent };

export const subjectPrefix = '/blobServices/default/containers/';

/** Stands in for the Functions host: takes events, or refuses them while it is down. */
export async function startReceiver() {
  const received: Received[] = [];
  const state = {
    status: 202,
    refused: 0,
    /** While set, events wait for it before they are taken. */
    hold: undefined as Promise<void> | undefined,
    concurrent: 0,
    mostConcurrent: 0,
  };
  const server = createServer((request, response) => {
    state.concurrent += 1;
    state.mostConcurrent = Math.max(state.mostConcurrent, state.concurrent);
    const { status } = state;
    const take = async (): Promise<void> => {
      const events = (await json(request)) as ReceivedEvent[];
      await state.hold;
      const aegEventType = request.headers['aeg-event-type'];
      if (status !== 202) state.refused += 1;
      else {
        for (const event of events) {
          received.push({
            path: request.url ?? '',
            aegEventType: typeof aegEventType === 'string' ? aegEventType : undefined,
            event,
          });
        }
      }
      state.concurrent -= 1;
      response.writeHead(status).end();
    };
    take().catch((error: unknown) => response.destroy(error as Error));
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => {
      server.listen(port, '127.0.0.1', resolve);
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    if (!server.listening) return;
    await new Promise((resolve) => {
      server.close(resolve);
    });
  };
  return {
    url: `http://127.0.0.1:${port}`,
    state,
    received,
    /** `api name` of each event, in order of arrival. */
    seen: (): string[] =>
      received.map(({ event: { data, subject } }) =>
        [data['api'], subject.slice(subject.indexOf('/blobs/') + 7)].join(' '),
      ),
    /** Nobody listens any more, until `up`. */
    down: close,
    up: () => listen(port),
    close,
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

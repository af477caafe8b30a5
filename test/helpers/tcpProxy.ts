import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What a network does to connections: nothing bad; every piece comes later; few bytes at a time; nothing comes for
 * a while (and then all of it); connections break and no new one is taken; connections look open and are dead, for
 * good, and no new one answers.
 */
export type Weather = 'fair' | 'latency' | 'trickle' | 'black hole' | 'reset' | 'half-open';

const latencyMs = 300;
const tricklePiece = 1_024;
const trickleEveryMs = 50;

export type TcpProxy = Awaited<ReturnType<typeof startTcpProxy>>;

/** A proxy before one service, whose weather can change. Faults of networks cannot be had otherwise. */
export async function startTcpProxy() {
  const now: { weather: Weather } = { weather: 'fair' };
  let changed = Promise.withResolvers<void>();
  let target = 0;
  const pairs = new Set<{ caller: Socket; service: Socket | undefined; dead: boolean }>();

  async function forward(pair: { dead: boolean }, chunk: Buffer, to: Socket): Promise<void> {
    while (now.weather === 'black hole') await changed.promise;
    if (pair.dead || to.destroyed) return;
    if (now.weather === 'latency') await sleep(latencyMs);
    if (now.weather === 'trickle') {
      for (let start = 0; start < chunk.length && !to.destroyed; start += tricklePiece) {
        to.write(chunk.subarray(start, start + tricklePiece));
        await sleep(trickleEveryMs);
      }
      return;
    }
    if (!to.destroyed) to.write(chunk);
  }

  function pump(pair: { dead: boolean }, from: Socket, to: Socket): void {
    let last = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      from.pause();
      last = forward(pair, chunk, to).finally(() => from.resume());
    });
    from.on('close', () => void last.then(() => (pair.dead ? undefined : to.destroy())));
  }

  const server = createServer((caller) => {
    const pair: { caller: Socket; service: Socket | undefined; dead: boolean } = {
      caller,
      service: undefined,
      dead: now.weather === 'half-open',
    };
    pairs.add(pair);
    // What breaks, breaks: the other side is told by the end of the connection.
    caller.on('error', () => caller.destroy());
    caller.on('close', () => pairs.delete(pair));
    if (now.weather === 'reset') return void caller.resetAndDestroy();
    if (pair.dead) return void caller.resume();
    const service = connect(target, '127.0.0.1');
    pair.service = service;
    service.on('error', () => service.destroy());
    pump(pair, caller, service);
    pump(pair, service, caller);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    aimAt(port: number): void {
      target = port;
    },
    change(next: Weather): void {
      now.weather = next;
      changed.resolve();
      changed = Promise.withResolvers();
      for (const pair of pairs) {
        if (next === 'reset') pair.caller.resetAndDestroy();
        if (next === 'half-open') {
          pair.dead = true;
          pair.service?.destroy();
          pair.caller.resume();
        }
      }
    },
    close(): void {
      server.close();
      for (const { caller, service } of pairs) {
        caller.destroy();
        service?.destroy();
      }
    },
  };
}

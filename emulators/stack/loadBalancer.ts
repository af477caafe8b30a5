import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { portInUse } from '../common/childProcess.ts';

const connectionsAtMost = 2_000;

export type LoadBalancer = { url: string; close(): void };

/**
 * Serves several instances at one address, as the cloud platform does: each connection goes to the next instance in
 * turn, and instances that do not accept a connection are skipped.
 * @throws Error when the port is in use
 */
export async function startLoadBalancer(port: number, instances: readonly string[]): Promise<LoadBalancer> {
  const ports = instances.map((url) => Number(new URL(url).port));
  const open = new Set<Socket>();
  let turn = 0;

  function forward(caller: Socket, triesLeft: number): void {
    turn = (turn + 1) % ports.length;
    const instance = connect(ports[turn] ?? 0, '127.0.0.1');
    instance.once('connect', () => {
      instance.removeAllListeners('error');
      for (const [from, to] of [
        [caller, instance],
        [instance, caller],
      ] as const) {
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    instance.once('error', () => {
      if (triesLeft > 0 && !caller.destroyed) forward(caller, triesLeft - 1);
      else caller.destroy();
    });
  }

  const server = createServer((caller) => {
    open.add(caller);
    caller.on('close', () => open.delete(caller));
    // The `close` event that follows an error removes the connection and ends the connection to the instance.
    caller.on('error', () => caller.destroy());
    forward(caller, ports.length - 1);
  });
  server.maxConnections = connectionsAtMost;
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    throw portInUse(error, port);
  }
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`,
    close() {
      server.close();
      for (const caller of open) caller.destroy();
    },
  };
}

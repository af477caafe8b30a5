import { connect } from 'node:net';

const patienceMs = 60_000;

/** Writes a request to a socket as it stands. `status` is undefined when the connection ended without an answer. */
export async function sendRaw(
  origin: string,
  text: string,
): Promise<{ status: number | undefined; body: string }> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => {
      // No more will come, so that a body that is shorter than promised is no reason to wait.
      socket.end(text, 'latin1');
    });
    socket.setTimeout(patienceMs, () =>
      socket.destroy(new Error('no answer came and the connection stayed')),
    );
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return;
      reject(error);
    });
    socket.on('close', () => {
      const answer = Buffer.concat(chunks).toString('utf8');
      const status = /^HTTP\/1\.1 (?!100)(\d{3})/m.exec(answer)?.[1];
      resolve({
        status: status === undefined ? undefined : Number(status),
        body: answer.slice(answer.indexOf('\r\n\r\n') + 4),
      });
    });
  });
}

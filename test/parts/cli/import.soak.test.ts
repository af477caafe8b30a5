import { mkdir, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startCli } from '../../helpers/cli.ts';
import { residentBytes } from '../../helpers/residentBytes.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const people = 50;
const picturesEach = 200;
const total = people * picturesEach;
/** Node takes 260 MB before it collects garbage, for 10,000 uploads as for 40,000. */
const mostBytes = 400_000_000;

test('ten thousand pictures are imported in constant memory, and the second time none is sent', async () => {
  const folder = await temporaryFolder();
  const listed = new Map<string, object>();
  for (let person = 0; person < people; person += 1) {
    await mkdir(join(folder.path, `person ${person}`));
    for (let picture = 0; picture < picturesEach; picture += 1) {
      const [name, content] = [
        `person ${person}/${picture}.jpg`,
        Buffer.alloc(20_000, `${person}.${picture} `),
      ];
      await writeFile(join(folder.path, name), content);
      const sha256 = createHash('sha256').update(content).digest('hex');
      listed.set(name, { image: `enroll/g/${name}`, state: 'enrolled', bytes: content.length, sha256 });
    }
  }
  let puts = 0;
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      puts += request.method === 'PUT' ? 1 : 0;
      const start = Number(new URL(request.url ?? '', 'http://x').searchParams.get('after') ?? 0);
      const items = puts < total ? [] : [...listed.values()].slice(start, start + 1_000);
      const next = start + items.length < total && items.length > 0 ? { next: String(start + 1_000) } : {};
      response
        .writeHead(request.method === 'PUT' ? 202 : 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(request.method === 'PUT' ? { image: 'x' } : { items, ...next }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const expected of [
    `${total.toLocaleString('en')} sent, 0 there`,
    `0 sent, ${total.toLocaleString('en')} there`,
  ]) {
    const startedAt = performance.now();
    const command = startCli(['import', folder.path, '--group', 'g', '--url', url]);
    let peak = 0;
    const timer = setInterval(() => {
      if (command.child.pid === undefined) return;
      void residentBytes(command.child.pid).then((bytes) => (peak = Math.max(peak, bytes)));
    }, 200);
    expect(await command.ended).toBe(0);
    clearInterval(timer);
    const seconds = (performance.now() - startedAt) / 1_000;
    process.stdout.write(`${expected}: ${(peak / 1e6).toFixed(0)} MB at most, ${seconds.toFixed(1)} s\n`);
    expect(command.output().join('\n')).toContain(expected);
    expect(peak).toBeLessThan(mostBytes);
  }
  expect(puts).toBe(total);
  server.close();
  await folder.remove();
});

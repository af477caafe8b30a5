import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import type { FunctionsHostReady } from '../../../infra/local/functions-host/host.ts';
import { startPartProcess } from '../../helpers/partProcess.ts';

/* Each is a process that loads the host to end with a sentence; one of them is started beside this in every test. */

const start = (app: string, port = 0) =>
  startPartProcess<FunctionsHostReady>('functions-host', {
    appDir: resolve('test/parts/functions-host/apps', app),
    port,
    env: {
      SEEN_FILE: '/dev/null',
      BUS: 'Endpoint=sb://127.0.0.1:9;SharedAccessKeyName=a;SharedAccessKey=YQ==;UseDevelopmentEmulator=true',
      STORAGE: 'UseDevelopmentStorage=true',
      AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    },
  });

test.each([
  ['empty', /no file matches main of package\.json/],
  ['many', /cardinality many/],
])('an app that cannot be run is refused with its reason: %s', async (app, reason) => {
  await expect(start(app)).rejects.toThrow(reason);
});

test('a port that is in use is named', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await expect(start('good', port)).rejects.toThrow(`port ${port} is in use`);
  server.close();
});

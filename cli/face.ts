import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startFaceProcess, type FaceProcessOptions } from '../emulators/face/faceProcess.ts';
import type { UrlMap } from '../emulators/face/operations/urlMap.ts';
import { readHostName, readPort, readTrainingTime } from './options.ts';

/** Starts the Face service alone and stays until Ctrl-C. */
export async function face(args: string[]): Promise<void> {
  const options = readOptions(args);
  process.umask(0o077);
  const startedAt = performance.now();
  console.log('Starting the Face service and its models');
  const endpointsFile = join(options.dataDir, 'endpoints.json');
  const emulator = await startFaceProcess({ ...options, endpointsFile });
  console.log(`The Face service is ready after ${((performance.now() - startedAt) / 1_000).toFixed(1)} s.`);
  console.log(`  FACE_ENDPOINT=${emulator.ready.endpoint}`);
  console.log(`  FACE_APIKEY: faceKey of ${endpointsFile}`);
  const { caFile } = emulator.ready;
  if (caFile !== undefined) console.log(`  NODE_EXTRA_CA_CERTS=${caFile}`);
  console.log('Ctrl-C stops it.');
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  console.log('Stopping');
  await emulator.close();
}

/** @throws Error that says what was expected */
function readOptions(args: string[]): FaceProcessOptions {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '7072' },
      data: { type: 'string', default: '.rollcall-face' },
      tps: { type: 'string', default: '10' },
      tls: { type: 'boolean', default: false },
      'url-map': { type: 'string', multiple: true, default: [] },
      'training-time': { type: 'string', default: 'none' },
      'attributes-retired': { type: 'boolean', default: false },
      'allow-host': { type: 'string', multiple: true, default: [] },
    },
  });
  return {
    port: readPort(values.port),
    dataDir: resolve(values.data),
    quota: readTps(values.tps),
    tls: values.tls,
    urlMaps: values['url-map'].map(readUrlMap),
    trainingTime: readTrainingTime(values['training-time']),
    allowHosts: values['allow-host'].map(readHostName),
    attributesRetired: values['attributes-retired'],
    log: (line) => console.log(`${new Date().toISOString()} ${line}`),
  };
}

function readTps(text: string): number | 'none' | 'F0' {
  if (text === 'none' || text === 'F0') return text;
  const calls = Number(text);
  if (Number.isInteger(calls) && calls >= 1 && calls <= 100_000) return calls;
  throw new Error(`--tps takes a whole number of calls a second, "none" or "F0", not "${text}"`);
}

/** `PREFIX=FOLDER`; a URL may have an equals sign of its own. */
function readUrlMap(text: string): UrlMap {
  const at = text.lastIndexOf('=');
  const [prefix, folder] = [text.slice(0, at), resolve(text.slice(at + 1))];
  if (!/^https?:\/\//i.test(prefix)) {
    throw new Error(`--url-map takes PREFIX=FOLDER, where PREFIX begins with http, not "${text}"`);
  }
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new Error(`--url-map takes PREFIX=FOLDER; there is no folder ${folder}`);
  }
  return { prefix, folder };
}

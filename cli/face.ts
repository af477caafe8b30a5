import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startFaceProcess, type FaceProcessOptions } from '../emulators/face/faceProcess.ts';
import type { UrlMap } from '../emulators/face/operations/urlMap.ts';
import type { TrainingTime } from '../emulators/face/training/trainingTime.ts';
import { UsageError } from './exit.ts';

export type FaceOptions = {
  port: number;
  data: string;
  tps: number | 'none' | 'F0';
  tls: boolean;
  urlMap: string[];
  trainingTime: TrainingTime;
  attributesRetired: boolean;
  allowHost: string[];
};

/** Starts the Face service alone and stays until Ctrl-C. */
export async function face(values: FaceOptions): Promise<void> {
  const options = toProcessOptions(values);
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

/** @throws UsageError that says what was expected */
function toProcessOptions(values: FaceOptions): FaceProcessOptions {
  return {
    port: values.port,
    dataDir: resolve(values.data),
    quota: values.tps,
    tls: values.tls,
    urlMaps: values.urlMap.map(readUrlMap),
    trainingTime: values.trainingTime,
    allowHosts: values.allowHost,
    attributesRetired: values.attributesRetired,
    log: (line) => console.log(`${new Date().toISOString()} ${line}`),
  };
}

/** `PREFIX=FOLDER`; a URL may have an equals sign of its own. */
function readUrlMap(text: string): UrlMap {
  const at = text.lastIndexOf('=');
  const [prefix, folder] = [text.slice(0, at), resolve(text.slice(at + 1))];
  if (!/^https?:\/\//i.test(prefix)) {
    throw new UsageError(`--url-map takes PREFIX=FOLDER, where PREFIX begins with http, not "${text}"`);
  }
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new UsageError(`--url-map takes PREFIX=FOLDER; there is no folder ${folder}`);
  }
  return { prefix, folder };
}

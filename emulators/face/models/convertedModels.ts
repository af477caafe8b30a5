import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { cacheFolder } from '../../common/cacheFolder.ts';
import type { ModelSource } from './conversion/modelSource.ts';

/*
 * The cache of converted models: a conversion takes a second, and loading the converter a quarter. A file begins with a
 * hash of its source, the converter and a checksum of its content. A file that is outdated or damaged is made again.
 */

const defaultFolder = join(cacheFolder, 'models');
const hashBytes = 32;
const converter = hashConverter();

/** Reads a model from the cache, or converts it to ONNX. @throws Error when its package is not installed */
export async function loadConverted(source: ModelSource, folder = defaultFolder): Promise<Uint8Array> {
  const description = findPackageJSON(source.package, import.meta.url);
  if (description === undefined) {
    throw new Error(`the package ${source.package}, whose models are used, is not installed`);
  }
  const { version } = JSON.parse(readFileSync(description, 'utf8')) as { version: string };
  const origin = JSON.stringify([source, version, converter]);
  const cached = join(folder, `${source.package}/${source.file}.onnx`.replaceAll('/', '_'));
  // A file that cannot be read is made again.
  const found = await readFile(cached).catch(() => undefined);
  const model = found?.subarray(hashBytes);
  if (model !== undefined && found?.subarray(0, hashBytes).equals(hashModel(origin, model)) === true)
    return model;
  const { convert } = await import('./conversion/convert.ts');
  const converted = convert(join(dirname(description), source.file), source);
  await writeCache(cached, [hashModel(origin, converted), converted]);
  return converted;
}

function hashModel(origin: string, model: Uint8Array): Buffer {
  return hash('sha256', `${origin}${crc32(model)}`, 'buffer');
}

function hashConverter(): string {
  const sources = join(import.meta.dirname, 'conversion');
  const files = readdirSync(sources).toSorted();
  return hash('sha256', files.map((file) => readFileSync(join(sources, file), 'utf8')).join('\0'));
}

async function writeCache(file: string, content: Uint8Array[]): Promise<void> {
  const unfinished = `${file}.${process.pid}.${threadId}.new`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(unfinished, content);
    await rename(unfinished, file);
  } catch (error) {
    process.stderr.write(`a converted model cannot be kept and is made at each start: ${String(error)}\n`);
  }
}

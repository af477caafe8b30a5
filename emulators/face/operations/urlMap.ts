import { open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { faults, FaceFault } from '../contract/faults.ts';

/** Image URLs that begin with the prefix are read from the folder instead of the network. */
export type UrlMap = { prefix: string; folder: string };

/**
 * The content of the mapped file; undefined when no map has a prefix of the URL. Neither `..` in the URL nor a link in
 * the folder leads outside the folder.
 * @throws FaceFault when the file does not exist, or has more bytes than `most`
 */
export async function readMapped(
  maps: readonly UrlMap[],
  url: string,
  most: number,
): Promise<Uint8Array | undefined> {
  const map = maps.find(({ prefix }) => url.startsWith(prefix));
  if (map === undefined) return undefined;
  try {
    return await readInside(await realpath(map.folder), parsePath(url.slice(map.prefix.length)), most);
  } catch (error) {
    throw error instanceof FaceFault ? error : faults.download();
  }
}

/** The rest of a URL behind the prefix as a path: without query and fragment, unescaped. */
function parsePath(rest: string): string {
  return decodeURIComponent(rest.replace(/[?#].*$/s, ''));
}

async function readInside(folder: string, path: string, most: number): Promise<Uint8Array> {
  const file = await realpath(join(folder, path));
  if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep)) throw faults.download();
  const handle = await open(file);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw faults.download();
    if (found.size > most) throw faults.tooBig();
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

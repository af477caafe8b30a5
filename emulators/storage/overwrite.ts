import { open, type FileHandle } from 'node:fs/promises';
import type { Range } from './ranges.ts';

const chunkBytes = 1_048_576;
const zeros = Buffer.alloc(chunkBytes);

/** Overwrites ranges of a file with zeros. Bytes that are zeros already are only read. */
export async function overwrite(file: string, ranges: readonly Range[]): Promise<void> {
  if (ranges.length === 0) return;
  const handle = await open(file, 'r+');
  try {
    for (const range of ranges) await overwriteRange(handle, range);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function overwriteRange(handle: FileHandle, { offset, count }: Range): Promise<void> {
  const end = offset + count;
  for (let at = offset; at < end; at += chunkBytes) {
    const length = Math.min(chunkBytes, end - at);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, at);
    if (bytesRead > 0 && !buffer.subarray(0, bytesRead).equals(zeros.subarray(0, bytesRead)))
      await handle.write(zeros, 0, bytesRead, at);
  }
}

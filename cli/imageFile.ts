import { openAsBlob } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';

/** The image in a file, as a body that is read while it is sent. @throws Error with the code of the file system */
export async function openImageFile(file: string): Promise<Blob> {
  if (!(await stat(file)).isFile()) throw Object.assign(new Error(`${file} is no file`), { code: 'EISDIR' });
  await access(file, constants.R_OK);
  return openAsBlob(file, { type: 'application/octet-stream' });
}

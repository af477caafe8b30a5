import { InvalidRequest } from './problem.ts';

const partsAtMost = 20;
const endOfHeaders = Buffer.from('\r\n\r\n');
const longestHeaders = 4_096;

/**
 * The only file of a form (multipart/form-data, RFC 7578). Fields without a file name are ignored.
 * @throws InvalidRequest when the form has no file or several files, or cannot be read
 */
export function fileOf(form: Uint8Array, contentType: string): { bytes: Uint8Array; type: string } {
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^;"\s]{1,70}))/i.exec(contentType);
  if (boundary === null) throw notOneFile('it names no boundary');
  const files = partsOf(
    Buffer.from(form.buffer, form.byteOffset, form.length),
    boundary[1] ?? boundary[2] ?? '',
  ).filter(({ headers }) => /^content-disposition:.*;\s*filename\*?=/im.test(headers));
  const [file] = files;
  if (file === undefined || files.length > 1) throw notOneFile(`it has ${files.length}`);
  const type = /^content-type:\s*([^\s;]+)/im.exec(file.headers)?.[1] ?? '';
  return { bytes: file.bytes, type: type.toLowerCase() };
}

function partsOf(form: Buffer, boundary: string): { headers: string; bytes: Buffer }[] {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const parts: { headers: string; bytes: Buffer }[] = [];
  // At the start of the form, the first delimiter has no line break before it.
  let start = form.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2))
    ? delimiter.length - 2
    : afterNext(form, delimiter, 0);
  while (start !== -1 && form.subarray(start, start + 2).toString() !== '--') {
    const end = form.indexOf(delimiter, start);
    const headersEnd = form.subarray(start, start + longestHeaders).indexOf(endOfHeaders);
    if (end === -1 || headersEnd === -1 || start + headersEnd > end) throw notOneFile('it is cut off');
    if (parts.length === partsAtMost) throw notOneFile(`it has more than ${partsAtMost} parts`);
    const content = start + headersEnd + endOfHeaders.length;
    parts.push({
      headers: form.subarray(start, start + headersEnd).toString(),
      bytes: form.subarray(Math.min(content, end), end),
    });
    start = end + delimiter.length;
  }
  return parts;
}

function afterNext(form: Buffer, delimiter: Buffer, from: number): number {
  const at = form.indexOf(delimiter, from);
  return at === -1 ? -1 : at + delimiter.length;
}

function notOneFile(but: string): InvalidRequest {
  return new InvalidRequest([{ field: 'body', expected: `a form with exactly one file, but ${but}` }]);
}

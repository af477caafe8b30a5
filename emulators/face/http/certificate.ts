import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tls } from './server.ts';

export type Certificate = Tls & {
  /** The certificate that callers have to trust. */
  caFile: string;
};

const day = 86_400_000;
/** The longest lifetime that the strictest clients accept. */
const lifetimeMs = 397 * day;
const renewedBeforeMs = 30 * day;

/**
 * The self-signed certificate of a data folder for this machine. The first start creates it and later starts reuse it,
 * so that clients have to trust it only once; it is replaced shortly before it expires.
 */
export async function readOrMakeCertificate(dataDir: string): Promise<Certificate> {
  const [caFile, keyFile] = [join(dataDir, 'cert.pem'), join(dataDir, 'cert.key')];
  if (!isGood(caFile, keyFile)) await makeCertificate(caFile, keyFile);
  return { caFile, cert: readFileSync(caFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}

function isGood(caFile: string, keyFile: string): boolean {
  if (!existsSync(caFile) || !existsSync(keyFile)) return false;
  const { validToDate } = new X509Certificate(readFileSync(caFile));
  return validToDate.getTime() > Date.now() + renewedBeforeMs;
}

async function makeCertificate(caFile: string, keyFile: string): Promise<void> {
  // Loaded on demand: most starts need no new certificate.
  const { generate } = await import('selfsigned');
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    // Valid since yesterday, for clients whose clock is slow.
    notBeforeDate: new Date(Date.now() - day),
    notAfterDate: new Date(Date.now() - day + lifetimeMs),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  // The certificate is written last: without it the next start makes both files again.
  writeWhole(keyFile, made.private);
  writeWhole(caFile, made.cert);
}

function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

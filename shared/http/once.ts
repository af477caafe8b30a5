import { createHash } from 'node:crypto';
import { RollcallError } from '../errors.ts';
import type { Group } from '../records/groups.ts';
import type { RecordAs, StoredResult } from '../records/results.ts';
import { largestPictureBytes } from '../resources.ts';
import type { Rollcall } from '../rollcall.ts';
import { InvalidRequest } from './problem.ts';
import type { ApiRequest } from './route.ts';

const keyPattern = /^[\x21-\x7e]{1,255}$/;
const tryAgainMs = 1_000;

/**
 * Answers a request that records a result once for each `Idempotency-Key`: the same key again gets the recorded
 * result, and no call to Face.
 * @throws RollcallError key_reused for another request under the key, in_progress while the first is being answered
 */
export async function once(
  request: ApiRequest,
  { recall, claims, newResultId }: Rollcall,
  group: Group,
  answer: (as: RecordAs) => Promise<StoredResult>,
): Promise<StoredResult> {
  const key = request.header('idempotency-key');
  if (key === undefined) return answer({ id: newResultId() });
  if (!keyPattern.test(key))
    throw new InvalidRequest([{ field: 'Idempotency-Key', expected: '1 to 255 visible ASCII characters' }]);
  const row = claims.rowKeyOf(hash(request.path, key));
  const fingerprint = hash(JSON.stringify(request.query), await request.body(largestPictureBytes));
  const { claim, mine } = await claims.claim(group.group, row, { fingerprint, id: newResultId() });
  if (claim.fingerprint !== fingerprint) throw new RollcallError('key_reused');
  if (!mine) throw new RollcallError('in_progress', undefined, { retryAfterMs: tryAgainMs });
  try {
    return (await recall.get(group, claim.id)) ?? (await answer({ id: claim.id, claim: row }));
  } finally {
    await claims.release(group.group, row);
  }
}

function hash(...parts: (string | Uint8Array)[]): string {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(`${part.length}\n`).update(part);
  return digest.digest('base64url');
}

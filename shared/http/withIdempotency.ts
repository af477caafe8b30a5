import { createHash } from 'node:crypto';
import { describeError, RollcallError } from '../errors/errors.ts';
import type { Group } from '../records/groups.ts';
import type { RecordAs, StoredResult } from '../records/results.ts';
import type { Rollcall } from '../app/rollcall.ts';
import { bytesOf } from './body.ts';
import { InvalidRequest } from './problem.ts';
import type { ApiRequest } from './route.ts';

const keyPattern = /^[\x21-\x7e]{1,255}$/;
const tryAgainMs = 1_000;

/**
 * Answers a request that records a result once for each `Idempotency-Key` of a caller and a route: the same key again gets the recorded
 * result, at no call to Face and no download. A request that failed has not used its key.
 * @throws RollcallError key_reused for another request under the key, in_progress while the first is being answered
 */
export async function once(
  request: ApiRequest,
  { readResults, idempotencyRecords, newResultId, log }: Rollcall,
  group: Group,
  answer: (as: RecordAs) => Promise<StoredResult>,
): Promise<StoredResult> {
  const key = request.header('idempotency-key');
  if (key === undefined) return answer({ id: newResultId() });
  if (!keyPattern.test(key))
    throw new InvalidRequest([{ field: 'Idempotency-Key', expected: '1 to 255 visible ASCII characters' }]);
  // A key of the platform may be renewed in between.
  const { code: _code, ...asked } = request.query;
  const row = idempotencyRecords.rowKeyOf(hash(request.route, request.caller(), key));
  const fingerprint = hash(JSON.stringify(asked), await bytesOf(request));
  const { claim, mine } = await idempotencyRecords.claim(group.group, row, {
    fingerprint,
    id: newResultId(),
  });
  if (claim.fingerprint !== fingerprint) throw new RollcallError('key_reused');
  if (!mine) throw new RollcallError('in_progress', undefined, { retryAfterMs: tryAgainMs });
  // Where it is unknown whether the result was recorded, the key keeps it.
  const free = async (): Promise<void> => {
    const isRecorded = (await readResults.get(group, claim.id)) !== undefined;
    await (isRecorded ? idempotencyRecords.answered : idempotencyRecords.failed)(group.group, row, claim);
  };
  try {
    const result = (await readResults.get(group, claim.id)) ?? (await answer({ id: claim.id, claim: row }));
    await idempotencyRecords.answered(group.group, row, claim);
    return result;
  } catch (error) {
    await free().catch((second: unknown) =>
      log.warn(`an idempotency key stays claimed for a minute: ${describeError(second)}`),
    );
    throw error;
  }
}

function hash(...parts: (string | Uint8Array)[]): string {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(`${part.length}\n`).update(part);
  return digest.digest('base64url');
}

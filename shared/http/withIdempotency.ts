import { createHash } from 'node:crypto';
import { describeError } from '../errors/describeError.ts';
import { RollcallError } from '../errors/errors.ts';
import type { Group } from '../records/groups.ts';
import type { RecordAs, StoredResult } from '../records/results.ts';
import type { Rollcall } from '../app/rollcall.ts';
import { bytesOf } from './body.ts';
import { InvalidRequest } from './problem.ts';
import type { ApiRequest } from './route.ts';

const keyPattern = /^[\x21-\x7e]{1,255}$/;
const tryAgainMs = 1_000;

/**
 * Answers a request that records a result, once for each `Idempotency-Key` of a caller and a route. A repeated request
 * with an equal key gets the recorded result, without a call to Face and without a download. A failed request does not
 * use up its key.
 * @throws RollcallError key_reused when the key was used for another request, in_progress while the first request is
 * being answered
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
  // The function key in `code` is left out of the fingerprint: it may be renewed before the request is repeated.
  const { code: _code, ...asked } = request.query;
  const row = idempotencyRecords.rowKeyOf(hash(request.route, request.caller(), key));
  const fingerprint = hash(JSON.stringify(asked), await bytesOf(request));
  const { claim, mine } = await idempotencyRecords.claim(group.group, row, {
    fingerprint,
    id: newResultId(),
  });
  if (claim.fingerprint !== fingerprint) throw new RollcallError('key_reused');
  if (!mine) throw new RollcallError('in_progress', undefined, { retryAfterMs: tryAgainMs });
  // Frees the key after a failure, unless the result was recorded all the same: then the key keeps naming the result.
  // When reading the result fails too, the request counts as being answered until its minute is over.
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

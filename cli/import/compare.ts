import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { largestImageBytes } from '../../shared/config/resources.ts';
import { ApiError, type Answer, type ApiClient } from '../apiClient.ts';

/** What Rollcall has of an image. */
export type Known = Pick<
  Answer<'GET groups/{group}/images'>['items'][number],
  'state' | 'bytes' | 'sha256' | 'reason' | 'detail'
>;

/**
 * How a file stands to what Rollcall has. `new` and `changed` are sent; `same` is there; `refused` and `failed` are
 * there too, with these bytes, so that sending them again would end as before.
 */
export type Standing = {
  as: 'new' | 'changed' | 'same' | 'refused' | 'failed' | 'too_large';
  sha256?: string;
};

/** Every image of a group by its path, for as many pages as it takes; none where there is no such group. */
export async function loadKnown(call: ApiClient, group: string): Promise<Map<string, Known>> {
  const known = new Map<string, Known>();
  let after: string | undefined;
  do {
    const page = await call('GET groups/{group}/images', { group, query: { top: 1_000, after } }).catch(
      (error: unknown) => {
        if (error instanceof ApiError && error.code === 'group_not_found')
          return { items: [], next: undefined };
        throw error;
      },
    );
    for (const { image, state, bytes, sha256, reason, detail } of page.items)
      known.set(withPersonInNfc(image), {
        state,
        bytes,
        ...(sha256 !== undefined && { sha256 }),
        ...(reason !== undefined && { reason }),
        ...(detail !== undefined && { detail }),
      });
    after = page.next;
  } while (after !== undefined);
  return known;
}

/** Names of people are compared after NFC; other programs may have written a path in another form. */
function withPersonInNfc(image: string): string {
  return image.replace(
    /^(enroll\/[^/]*\/)([^/]*)/,
    (_, before: string, person: string) => before + person.normalize('NFC'),
  );
}

/** Compares sizes first; the file is read only where they are equal. */
export async function compare(
  { bytes }: { bytes: number },
  known: Known | undefined,
  hash: () => Promise<string>,
): Promise<Standing> {
  if (bytes > largestImageBytes) return { as: 'too_large' };
  if (known === undefined || known.state === 'removed') return { as: 'new' };
  if (known.bytes !== bytes) return { as: 'changed' };
  const isRefused = known.state === 'rejected';
  const isFailed = known.state === 'failed';
  // Bytes that were never read: refused for their size or path, or not looked at yet.
  if (known.sha256 === undefined) return { as: isRefused ? 'refused' : isFailed ? 'failed' : 'new' };
  const sha256 = await hash();
  if (sha256 !== known.sha256) return { as: 'changed', sha256 };
  return { as: isRefused ? 'refused' : isFailed ? 'failed' : 'same' };
}

/** Whether Rollcall is done with what was sent. */
export function isSettled(
  known: Known | undefined,
  sent: { bytes: number; sha256?: string | undefined },
): boolean {
  return (
    known !== undefined &&
    known.bytes === sent.bytes &&
    (sent.sha256 === undefined || known.sha256 === sent.sha256) &&
    !['received', 'detected', 'removed'].includes(known.state)
  );
}

export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

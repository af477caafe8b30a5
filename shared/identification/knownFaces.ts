import type { FaceClient } from '../face/client.ts';
import { isFaceError } from '../face/errors.ts';
import { RollcallError } from '../errors/errors.ts';

export type Grouped = { groups: string[][]; messyGroup: string[] };

/**
 * Limit of the calls that search for the IDs that Face still knows. With one expired ID among 1,000, at most nine IDs
 * are left out.
 */
const lookingCallsAtMost = 16;

/** Some or all of the IDs may have expired in Face. `isSpoilt`: at least one of the IDs has expired. */
type Part = { ids: readonly string[]; isSpoilt: boolean };

/**
 * Groups similar faces. One ID that has expired in Face fails the whole call. The IDs are then halved, the largest part
 * first, to find the IDs that Face still knows, and the known IDs are grouped in one call. IDs that the search did not
 * reach within its limit of calls are left out.
 * @throws RollcallError conflict when an ID expires between the search and the grouping
 */
export async function groupKnownFaces(
  face: Pick<FaceClient, 'group'>,
  ids: readonly string[],
): Promise<Grouped & { known: readonly string[] }> {
  if (ids.length < 2) return { groups: [], messyGroup: [...ids], known: ids };
  const all = await tryToGroup(face, ids);
  if (all !== undefined) return { ...all, known: ids };
  const wanted = new Set(await findKnown(face, ids));
  const known = ids.filter((id) => wanted.has(id));
  if (known.length < 2) return { groups: [], messyGroup: known, known };
  const grouped = await tryToGroup(face, known);
  if (grouped === undefined) throw new RollcallError('conflict', 'Face forgot a face in this moment.');
  return { ...grouped, known };
}

async function findKnown(face: Pick<FaceClient, 'group'>, spoilt: readonly string[]): Promise<string[]> {
  const known: string[] = [];
  let open: Part[] = [{ ids: spoilt, isSpoilt: true }];
  for (let calls = 0; calls < lookingCallsAtMost;) {
    const [largest, ...others] = open.toSorted((a, b) => b.ids.length - a.ids.length);
    // Face groups at least two faces, so a single ID cannot be tested.
    if (largest === undefined || largest.ids.length < 2) break;
    const middle = Math.ceil(largest.ids.length / 2);
    const asked = largest.isSpoilt ? largest.ids.slice(0, middle) : largest.ids;
    const rest = largest.ids.slice(asked.length);
    open = others;
    const isKnown = asked.length > 1 && (await tryToGroup(face, asked)) !== undefined;
    if (asked.length > 1) calls += 1;
    if (isKnown) known.push(...asked);
    else open.push({ ids: asked, isSpoilt: true });
    // When the tested half of a spoilt part is known, the expired ID is in the other half.
    if (rest.length > 0) open.push({ ids: rest, isSpoilt: isKnown });
  }
  return known;
}

async function tryToGroup(
  face: Pick<FaceClient, 'group'>,
  ids: readonly string[],
): Promise<Grouped | undefined> {
  try {
    return await face.group(ids);
  } catch (error) {
    if (isFaceError(error, 400, 'FaceNotFound')) return undefined;
    throw error;
  }
}

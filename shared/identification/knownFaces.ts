import type { FaceClient } from '../face/client.ts';
import { isFaceError } from '../face/errors.ts';
import { RollcallError } from '../errors/errors.ts';

export type Grouped = { groups: string[][]; messyGroup: string[] };

/** What looking for the IDs that Face still knows may cost: one that is forgotten takes at most nine of 1,000 with it. */
const lookingCallsAtMost = 16;

/** IDs of which some, or all, may be forgotten; `isSpoilt`: at least one is. */
type Part = { ids: readonly string[]; isSpoilt: boolean };

/**
 * Groups faces that are alike. One ID that Face has forgotten fails the whole call: then the known ones are looked
 * for by halves, the largest part first, and grouped in one call; what was not looked through is left out.
 * @throws RollcallError conflict when one is forgotten between looking and grouping
 */
export async function groupKnownFaces(
  face: Pick<FaceClient, 'group'>,
  ids: readonly string[],
): Promise<Grouped & { known: readonly string[] }> {
  if (ids.length < 2) return { groups: [], messyGroup: [...ids], known: ids };
  const all = await tryToGroup(face, ids);
  if (all !== undefined) return { ...all, known: ids };
  const wanted = new Set(await knownAmong(face, ids));
  const known = ids.filter((id) => wanted.has(id));
  if (known.length < 2) return { groups: [], messyGroup: known, known };
  const grouped = await tryToGroup(face, known);
  if (grouped === undefined) throw new RollcallError('conflict', 'Face forgot a face in this moment.');
  return { ...grouped, known };
}

async function knownAmong(face: Pick<FaceClient, 'group'>, spoilt: readonly string[]): Promise<string[]> {
  const known: string[] = [];
  let open: Part[] = [{ ids: spoilt, isSpoilt: true }];
  for (let calls = 0; calls < lookingCallsAtMost;) {
    const [largest, ...others] = open.toSorted((a, b) => b.ids.length - a.ids.length);
    // One alone cannot be asked about.
    if (largest === undefined || largest.ids.length < 2) break;
    const middle = Math.ceil(largest.ids.length / 2);
    const asked = largest.isSpoilt ? largest.ids.slice(0, middle) : largest.ids;
    const rest = largest.ids.slice(asked.length);
    open = others;
    const isKnown = asked.length > 1 && (await tryToGroup(face, asked)) !== undefined;
    if (asked.length > 1) calls += 1;
    if (isKnown) known.push(...asked);
    else open.push({ ids: asked, isSpoilt: true });
    // What spoils a part lies in its other half where it is not in the first.
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

import { placeOf } from '../../images/imagePath.ts';
import { faceLost } from '../../records/image.ts';
import { WriteConflict } from '../../records/table.ts';
import { pageOf, type ResyncOptions } from './options.ts';

type Options = Pick<ResyncOptions, 'lostFaces' | 'imageRecords' | 'groups' | 'workQueues' | 'now'>;

/** Enrolls images anew whose group or person was deleted in Face by another program. */
export async function enrollLostFaces(options: Options): Promise<void> {
  for (const { group, after, etag } of await options.lostFaces.list(pageOf.groups)) {
    const page = await options.imageRecords.listImages(group, { top: pageOf.images, after });
    for (const { image } of page.items) await enrollAnew(options, group, image);
    // Faces that were lost again meanwhile restart the list of the group.
    await options.lostFaces.advance(group, etag, page.next).catch((error: unknown) => {
      if (!(error instanceof WriteConflict)) throw error;
    });
  }
}

async function enrollAnew(
  { imageRecords, groups, workQueues, now }: Options,
  group: string,
  path: string,
): Promise<void> {
  const { ref } = placeOf(path);
  const [image, row] = await Promise.all([imageRecords.get(ref), groups.get(group)]);
  const person = row && (await imageRecords.person(row, ref.person ?? ''));
  const lostWith = image?.persisted?.personId;
  if (lostWith === undefined) return;
  if (lostWith === person?.personId && person.faceGroupEpoch === row?.faceGroupEpoch) return;
  await imageRecords.change(ref, (current) => current && faceLost(current, lostWith, now()));
  await workQueues.enqueueImage(ref);
}

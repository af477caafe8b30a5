import pMap from 'p-map';
import type { Context } from '../context.ts';
import { compare, type Known } from './compare.ts';
import type { ImportBars } from './importBars.ts';
import { atOnce, type Import, type ImportOptions, type ToSend } from './importRun.ts';
import { printSkipped } from './report.ts';
import { selectFiles, type LocalImage, type Selection } from './selectFiles.ts';
import { settleOne, type Tally } from './tally.ts';

/** Looks through the folder. @throws Error that names what storage would take for something else */
export async function select(
  { output }: Context,
  folder: string,
  { group, watch, mirror }: ImportOptions,
): Promise<Selection> {
  const selection = await selectFiles(folder, group);
  const { images, badNames, skipped } = selection;
  if (badNames.length > 0) {
    const names = badNames.slice(0, 10).map(({ file, detail }) => `  ${file}: ${detail}`);
    const more = badNames.length > names.length ? [`  and ${badNames.length - names.length} more`] : [];
    const count = badNames.length + images.length;
    throw new Error(
      [
        `bad_path: ${badNames.length} of ${count} pictures cannot be sent; rename them:`,
        ...names,
        ...more,
      ].join('\n'),
    );
  }
  if (images.length === 0 && (watch !== true || mirror === true)) {
    printSkipped(output, skipped);
    throw new Error(`${folder} holds no pictures in folders of people (person/*.jpg)`);
  }
  return selection;
}

/** Decides what is sent; everything else goes into the tally. */
export async function plan(
  { stopped, hash, steadyBefore = Infinity }: Import,
  images: readonly LocalImage[],
  known: ReadonlyMap<string, Known>,
  tally: Tally,
  bars: ImportBars,
): Promise<ToSend[]> {
  const toSend: ToSend[] = [];
  const decide = async (local: LocalImage): Promise<void> => {
    if (stopped.aborted || local.modifiedAt > steadyBefore) return;
    const { file, image } = local;
    const there = known.get(image);
    const { as, sha256 } = await compare(local, there, () => hash(local));
    bars.compared(images.length);
    if (as === 'new' || as === 'changed') toSend.push({ ...local, sha256 });
    else if (as === 'same') tally.same += 1;
    else if (as === 'too_large') tally.refused.push({ file, reason: 'image_too_large' });
    else settleOne(file, there, tally);
  };
  await pMap(
    images,
    (local) =>
      decide(local).catch(
        (error: Error) => void tally.failed.push({ file: local.file, detail: error.message }),
      ),
    { concurrency: atOnce },
  );
  return toSend;
}

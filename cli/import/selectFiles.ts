import { lstat, opendir } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { placeOf } from '../../shared/images/imagePath.ts';

/** A picture in the folder, and the image that it is to be: `enroll/{group}/{person}/…`. */
export type LocalImage = { file: string; image: string; person: string; bytes: number; modifiedAt: number };

export const skipReasons = {
  hidden: 'hidden files and folders',
  system: 'folders of other programs (@eaDir, __MACOSX and the like)',
  thumbnail: 'thumbnails of other programs',
  link: 'links',
  special: 'neither files nor folders',
  other_type: 'files of other types',
  no_person: 'pictures outside of a folder of a person',
  empty: 'empty files',
  same_name: 'pictures that would take the place of another, whose path differs in its spelling only',
} as const;

export type SkipReason = keyof typeof skipReasons;
export type Skipped = { file: string; reason: SkipReason };

export type Selection = {
  images: LocalImage[];
  skipped: Skipped[];
  /** What storage would take for another name, and why. */
  badNames: { file: string; detail: string }[];
  /** What the user has no right to read, or what has gone meanwhile. */
  unreadable: { file: string; detail: string }[];
};

const pictureName = /\.(jpe?g|jfif|png|gif|bmp|webp|tiff?|avif|hei[cf])$/i;
const systemFolder =
  /^(@eadir|__macosx|#recycle|#snapshot|\$recycle\.bin|system volume information|lost\+found)$/i;
const thumbnailName =
  /^(thumbs\.db|ehthumbs(_vista)?\.db|desktop\.ini|thumbs|thumbnails|syno(photo|file)_thumb.*)$/i;

/** Why a name is left out before the file is looked at; undefined for a name that is taken. */
export function skipReasonOf(
  name: string,
  kind: 'file' | 'folder' | 'link' | 'special',
): SkipReason | undefined {
  if (kind === 'link' || kind === 'special') return kind;
  if (systemFolder.test(name)) return 'system';
  if (name.startsWith('.')) return 'hidden';
  if (thumbnailName.test(name)) return 'thumbnail';
  return kind === 'file' && !pictureName.test(name) ? 'other_type' : undefined;
}

/** Sorts everything in a folder of `{person}/…` into what becomes an image of the group and what does not, and why. */
export async function selectFiles(folder: string, group: string): Promise<Selection> {
  const selection: Selection = { images: [], skipped: [], badNames: [], unreadable: [] };
  const seen = new Set<string>();
  for await (const { path, entry, error } of walk(folder, '')) {
    if (error !== undefined) {
      selection.unreadable.push({ file: path, detail: error });
      continue;
    }
    const reason = skipReasonOf(entry.name, kindOf(entry));
    if (reason !== undefined) selection.skipped.push({ file: path, reason });
    else if (!path.includes('/')) selection.skipped.push({ file: path, reason: 'no_person' });
    else await selectFile(folder, group, path, seen, selection);
  }
  return selection;
}

async function selectFile(
  folder: string,
  group: string,
  path: string,
  seen: Set<string>,
  { images, skipped, badNames, unreadable }: Selection,
): Promise<void> {
  const [person = '', ...rest] = path.split('/');
  const place = placeOf(`enroll/${group}/${person.normalize('NFC')}/${rest.join('/')}`);
  if (place.kind === 'bad') {
    badNames.push({ file: path, detail: place.detail });
    return;
  }
  const status = await lstat(join(folder, path)).catch((error: Error) => error);
  if (status instanceof Error) unreadable.push({ file: path, detail: status.message });
  else if (seen.has(place.image)) skipped.push({ file: path, reason: 'same_name' });
  else if (status.size === 0) skipped.push({ file: path, reason: 'empty' });
  else {
    seen.add(place.image);
    const { size: bytes, mtimeMs: modifiedAt } = status;
    images.push({ file: path, image: place.image, person: person.normalize('NFC'), bytes, modifiedAt });
  }
}

type Found = { path: string } & ({ entry: Dirent; error?: never } | { entry?: never; error: string });

/** Every file, and every folder that is left out, by its path below the folder with slashes. */
async function* walk(folder: string, below: string): AsyncGenerator<Found> {
  try {
    for await (const entry of await opendir(join(folder, below))) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory() && skipReasonOf(entry.name, 'folder') === undefined) yield* walk(folder, path);
      else yield { path, entry };
    }
  } catch (error) {
    if (below === '') throw error;
    yield {
      path: below,
      error: `cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`,
    };
  }
}

function kindOf(entry: Dirent): 'file' | 'folder' | 'link' | 'special' {
  if (entry.isSymbolicLink()) return 'link';
  if (entry.isDirectory()) return 'folder';
  return entry.isFile() ? 'file' : 'special';
}

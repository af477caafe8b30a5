import { randomUUID } from 'node:crypto';

/** How much was removed, by kind; `faces` counts persisted faces in Face. */
export type Erased = Record<'blobs' | 'faces' | 'pictures' | 'faceIds' | 'results', number>;

/**
 * The erasure of a group or of a person: its progress and, once finished, the remaining proof. Names of people are not
 * stored.
 */
export type Erasure = {
  id: string;
  kind: 'group' | 'person';
  group: string;
  /** Key of the person, until the erasure is finished. */
  person?: string;
  /** Probes for which the person was the best candidate are erased too. */
  withProbes?: true;
  /** The settings version of the group, where the request was conditional on that version. */
  settingsVersion?: number;
  /** Milliseconds since 1970. */
  requestedAt: number;
  /** By the clock of the storage account, in whole seconds: images written until this time are erased. */
  deletedAt: number;
  /** All data is traversed twice: data that was still being written during pass 1 is found in pass 2. */
  pass: 1 | 2 | 'over';
  /** Name of the current step; absent: the first step of the pass. */
  step?: string;
  /** Token at which the current step continues. */
  after?: string;
  notBefore: number;
  erased: Erased;
  /**
   * The rows of the group, or of the probes of the person, have been erased once: from then on only the bytes identify
   * an erased image.
   */
  areRowsErased?: true;
  /** How many trainings had begun when the faces were deleted; a later training has to succeed. */
  begun?: number;
  /** When Face has discarded the last detection template of the erased images; absent: no template is known. */
  templatesExpireAt?: number;
  /** When everything except Face's templates of detections had been removed. */
  removedAt?: number;
  /** When the last template in Face had expired too, so that nothing was left. */
  finishedAt?: number;
  /** The tombstone that was kept of the person for late messages has been removed too. */
  isTombstoneGone?: true;
};

/** What an erasure is about. */
export type Subject = Pick<Erasure, 'group' | 'person' | 'withProbes' | 'settingsVersion'>;

/** What was removed, and when Face has discarded the last template that goes with it. */
export type Removal = Pick<Erasure, 'erased' | 'templatesExpireAt'>;

export const nothingErased: Erased = { blobs: 0, faces: 0, pictures: 0, faceIds: 0, results: 0 };

export function opened(subject: Subject, deletedAt: number, requestedAt: number): Erasure {
  return {
    ...subject,
    id: randomUUID(),
    kind: subject.person === undefined ? 'group' : 'person',
    requestedAt,
    deletedAt,
    pass: 1,
    notBefore: 0,
    erased: nothingErased,
  };
}

/** The sum of the counts, and the later of the two times; a time of 0 is that of no template. */
export function plus(
  { erased, templatesExpireAt = 0 }: Removal,
  more: { erased?: Partial<Erased>; templatesExpireAt?: number | undefined },
): Removal {
  const total = { ...erased };
  for (const [kind, count] of Object.entries(more.erased ?? {}) as [keyof Erased, number][])
    total[kind] += count;
  const expireAt = Math.max(templatesExpireAt, more.templatesExpireAt ?? 0);
  return { erased: total, ...(expireAt > 0 && { templatesExpireAt: expireAt }) };
}

/** All data of the erasure is removed; `last` is the erasure that did the work of all open ones. */
export function removed(erasure: Erasure, last: Erasure, removedAt: number): Erasure {
  if (erasure.removedAt !== undefined) return erasure;
  // For `last` itself the counts are read again, because they may have grown since.
  const { erased } = erasure.id === last.id ? erasure : last;
  const { templatesExpireAt } = last;
  const after = { ...erasure, ...plus({ ...erasure, erased }, { templatesExpireAt }), removedAt };
  return (after.templatesExpireAt ?? 0) > removedAt ? after : finished(after, removedAt);
}

/** Nothing is left, in Face neither; the key of the person is removed from the erasure. */
export function finished({ person: _person, ...erasure }: Erasure, finishedAt: number): Erasure {
  return { ...erasure, finishedAt };
}

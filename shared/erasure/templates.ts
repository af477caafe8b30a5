import { goneAfterExpiryMs } from '../records/faceIds.ts';
import type { EraseOptions } from './options.ts';

/**
 * When Face has discarded the templates of erased images in the state `received`; 0 when there is no such image. An
 * image in this state may have been detected by a function that ended before it stored the face IDs. Face may then keep
 * the templates for one face ID lifetime from now, plus a margin.
 */
export function templatesExpireAt({ settings, now }: EraseOptions, received: number): number {
  return received === 0 ? 0 : now() + settings.FACE_ID_LIFETIME_SECONDS * 1_000 + goneAfterExpiryMs;
}

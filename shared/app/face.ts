import { createFaceClients, type FaceClient } from '../face/client.ts';
import type { FaceTransportOptions } from '../face/transport.ts';
import { createRateLimiter, type Priority } from '../quota/rateLimiter.ts';
import { observeFace, observeRateLimiter } from './observers/observeFace.ts';
import type { Context, Stores } from './stores.ts';

/** `interactive`: calls for a caller over HTTP, and trainings. `background`: calls for images that were uploaded. */
export type FaceByPriority = Record<Priority, FaceClient>;

/** The clients of Face, behind the rate limiter. `given` replaces them. */
export function createFace(
  { settings }: Context,
  { schedule }: Stores,
  credential: FaceTransportOptions['credential'],
  given: FaceByPriority | undefined,
): FaceByPriority {
  const clients =
    given ??
    createFaceClients({
      endpoint: settings.FACE_ENDPOINT,
      credential,
      limiter: observeRateLimiter(createRateLimiter({ quota: settings.FACE_QUOTA, store: schedule })),
      timeoutMs: settings.FACE_TIMEOUT_SECONDS * 1_000,
    });
  return {
    interactive: observeFace(clients.interactive, 'interactive'),
    background: observeFace(clients.background, 'background'),
  };
}

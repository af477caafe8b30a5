import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Analyze } from '../scheduling/analysis.ts';
import type { Gallery } from '../gallery/gallery.ts';
import type { Pause } from '../scheduling/pauses.ts';
import type { PictureSources } from './pictures.ts';
import type { FacePlan } from '../scheduling/quota.ts';
import type { FaceStore } from '../storage/store.ts';
import type { Trainings } from '../training/training.ts';
import type { InTurn } from '../scheduling/turns.ts';
import type { Vision } from '../vision.ts';

/** What operations work with. */
export type FaceContext = PictureSources & {
  store: FaceStore;
  gallery: Gallery;
  trainings: Trainings;
  analyze: Analyze;
  confidence: Vision['confidence'];
  now: () => number;
  /** Orders the changes of a person. */
  inTurn: InTurn;
  /** For work that would keep other calls waiting. */
  pauses: () => Pause;
  plan: FacePlan;
  attributesRetired: boolean;
};

/** A row of the table of operations. The answer is JSON; undefined is an empty body. */
export type Operation = {
  /** As metrics name it, the same for every kind of collection. */
  name: string;
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/face/{version}`. */
  path: string;
  /** Whether its body is a picture, or says where one is. */
  takesPicture?: true;
  handle(context: FaceContext, request: FastifyRequest, reply: FastifyReply): unknown;
};

export const apiVersions = ['v1.0', 'v1.2'] as const;
export type ApiVersion = (typeof apiVersions)[number];

/** Five decimals, as the real service answers. */
export function rounded(confidence: number): number {
  return Math.round(confidence * 1e5) / 1e5;
}

/** The threshold of verify, and the internal one of identify, matchPerson and group. */
export const samePerson = 0.5;

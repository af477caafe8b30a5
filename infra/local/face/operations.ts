import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Analyze } from './analysis.ts';
import type { Gallery } from './gallery/gallery.ts';
import type { FacePlan } from './quota.ts';
import type { FaceStore } from './store.ts';
import type { Trainings } from './training.ts';
import type { InTurn } from './turns.ts';
import type { Vision } from './vision.ts';

/** What operations work with. */
export type FaceContext = {
  store: FaceStore;
  gallery: Gallery;
  trainings: Trainings;
  analyze: Analyze;
  confidence: Vision['confidence'];
  now: () => number;
  /** Orders the changes of a person. */
  inTurn: InTurn;
  plan: FacePlan;
  urlTimeoutMs: number;
};

/** A row of the table of operations. The answer is JSON; undefined is an empty body. */
export type Operation = {
  /** As metrics name it, the same for every kind of collection. */
  name: string;
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/face/{version}`. */
  path: string;
  handle(context: FaceContext, request: FastifyRequest, reply: FastifyReply): unknown;
};

/** Five decimals, as the real service answers. */
export function rounded(confidence: number): number {
  return Math.round(confidence * 1e5) / 1e5;
}

/** The threshold of verify, and the internal one of identify, matchPerson and group. */
export const samePerson = 0.5;

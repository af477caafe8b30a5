import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Gallery } from './gallery.ts';
import type { FaceStore } from './store.ts';
import type { Trainings } from './training.ts';
import type { Vision } from './vision.ts';

/** What operations work with. */
export type FaceContext = {
  store: FaceStore;
  gallery: Gallery;
  trainings: Trainings;
  vision: Vision;
  now: () => number;
  /** Runs changes of one person after one another. */
  inTurn: <Result>(key: string, work: () => Promise<Result>) => Promise<Result>;
};

/** A row of the table of operations. The answer is JSON; undefined is an empty body. */
export type Operation = {
  /** As metrics name it. */
  name: string;
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/face/{version}`. */
  path: string;
  handle(context: FaceContext, request: FastifyRequest, reply: FastifyReply): unknown;
};

export type Params = Record<'group' | 'person' | 'face', string>;

export function paramsOf(request: FastifyRequest): Params {
  return request.params as Params;
}

export function queryOf(request: FastifyRequest): Record<string, string | undefined> {
  return request.query as Record<string, string | undefined>;
}

/** Five decimals, as the real service answers. */
export function rounded(confidence: number): number {
  return Math.round(confidence * 1e5) / 1e5;
}

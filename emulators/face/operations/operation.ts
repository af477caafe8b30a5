import type { Analyze } from '../scheduling/analysis.ts';
import type { Gallery } from '../gallery/gallery.ts';
import type { YieldIfDue } from '../scheduling/timeSlices.ts';
import type { Call } from './call.ts';
import type { ImageSources } from './image.ts';
import type { FacePlan } from '../scheduling/quota.ts';
import type { FaceStore } from '../storage/store.ts';
import type { Trainings } from '../training/training.ts';
import type { RunInOrder } from '../scheduling/keyedOrder.ts';
import type { Vision } from '../contract/vision.ts';

export type FaceContext = ImageSources & {
  store: FaceStore;
  gallery: Gallery;
  trainings: Trainings;
  analyze: Analyze;
  confidence: Vision['confidence'];
  now: () => number;
  /** Orders the changes of one person or face list. */
  runInOrder: RunInOrder;
  /** For work that would otherwise block the thread that answers calls. */
  startTimeSlices: () => YieldIfDue;
  plan: FacePlan;
  attributesRetired: boolean;
};

/** A row of the table of operations. */
export type Operation = {
  /** The label in metrics, the same for every kind of collection. */
  name: string;
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/face/{version}`. */
  path: string;
  /** The body is an image, or JSON with the URL of one. */
  takesImage?: true;
  /** The operation only starts work: 202, with the address of the call whose last segment is replaced by this one. */
  statusSegment?: string;
  /** The result is answered as JSON; undefined as an empty body. */
  handle(context: FaceContext, call: Call): unknown;
};

/** Five decimals, as in Azure's answers. */
export function roundConfidence(confidence: number): number {
  return Math.round(confidence * 1e5) / 1e5;
}

/** The threshold of verify, and the default one of identify, matchPerson and group. */
export const samePerson = 0.5;

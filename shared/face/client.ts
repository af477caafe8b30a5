import type { Priority } from '../quota/rateLimiter.ts';
import { createFaceTransport, type FaceTransport, type FaceTransportOptions } from './transport.ts';
import type {
  DetectedFace,
  DetectOptions,
  FacePerson,
  FaceRectangle,
  FindSimilarMode,
  IdentifyResult,
  PersistedFace,
  PersonGroup,
  SimilarFace,
  TrainingStatus,
  VerifyResult,
} from './types.ts';

/** Limits of the Face API that callers have to observe. */
export const faceLimits = {
  /** Face returns at most this many faces of one image, the largest ones. */
  detectedFaces: 100,
  identifyFaceIds: 10,
  identifyCandidates: 100,
  findSimilarFaceIds: 1_000,
  groupedFaceIds: 1_000,
  facesOfAPerson: 248,
  imageBytes: 6_000_000,
  imageSide: 4_096,
  smallestFace: 36,
} as const;

export type IdentifyOptions = { maxCandidates: number; confidenceThreshold?: number | undefined };

export type AddFaceOptions = {
  /** Absent: Face adds the only face of the image, and refuses an image of several faces. */
  targetFace: FaceRectangle | undefined;
  userData: string;
  detectionModel: string;
} & SendBefore;

/**
 * The call is not sent after this time (milliseconds since 1970) and throws a RollcallError `busy` instead: its caller
 * relies on a time from which the call can no longer take effect.
 */
export type SendBefore = { sendBefore: number };

/**
 * The Azure Face REST API v1.2 for large person groups, at one priority. Every operation throws `FaceError`,
 * `FaceUnanswered` or, from the rate limiter, a RollcallError `busy` or `quota_exceeded`. Only a GET is repeated
 * automatically after a transient error; any call is repeated after a 429.
 */
export interface FaceClient {
  detect(image: Uint8Array, options: DetectOptions): Promise<DetectedFace[]>;
  identify(group: string, faceIds: readonly string[], options: IdentifyOptions): Promise<IdentifyResult[]>;
  findSimilar(
    faceId: string,
    faceIds: readonly string[],
    options: { mode: FindSimilarMode; maxCandidates: number },
  ): Promise<SimilarFace[]>;
  /** Groups 2 to 1,000 faces. `messyGroup` holds the faces that are similar to no other face. */
  group(faceIds: readonly string[]): Promise<{ groups: string[][]; messyGroup: string[] }>;
  verify(faceId: string, group: string, personId: string): Promise<VerifyResult>;
  createGroup(group: string, recognitionModel: string, limit: SendBefore): Promise<void>;
  getGroup(group: string): Promise<PersonGroup>;
  deleteGroup(group: string, limit: SendBefore): Promise<void>;
  train(group: string): Promise<void>;
  trainingStatus(group: string): Promise<TrainingStatus>;
  createPerson(group: string, name: string, userData: string): Promise<string>;
  /** At most 1,000 people, sorted by ID, that follow the ID `start`. */
  listPersons(group: string, page: { top: number; start: string | undefined }): Promise<FacePerson[]>;
  getPerson(group: string, personId: string): Promise<FacePerson>;
  deletePerson(group: string, personId: string): Promise<void>;
  addFace(group: string, personId: string, image: Uint8Array, options: AddFaceOptions): Promise<string>;
  getFace(group: string, personId: string, persistedFaceId: string): Promise<PersistedFace>;
  deleteFace(group: string, personId: string, persistedFaceId: string): Promise<void>;
}

/** One client for each priority. All clients share one transport. */
export function createFaceClients(options: FaceTransportOptions): Record<Priority, FaceClient> {
  const transport = createFaceTransport(options);
  return {
    interactive: faceClient(transport, 'interactive'),
    background: faceClient(transport, 'background'),
  };
}

function faceClient(transport: FaceTransport, priority: Priority): FaceClient {
  const groupPath = (group: string) => `/largepersongroups/${group}`;
  const personPath = (group: string, personId: string) => `${groupPath(group)}/persons/${personId}`;
  const call = async <Answer>(parts: Omit<Parameters<FaceTransport>[0], 'priority'>) =>
    (await transport({ ...parts, priority })) as Answer;

  return {
    detect: (bytes, options) =>
      call({
        method: 'POST',
        path: '/detect',
        query: { ...options, returnFaceId: true, returnFaceAttributes: 'qualityForRecognition' },
        bytes,
      }),
    identify: (group, faceIds, options) =>
      call({
        method: 'POST',
        path: '/identify',
        json: {
          largePersonGroupId: group,
          faceIds,
          maxNumOfCandidatesReturned: options.maxCandidates,
          confidenceThreshold: options.confidenceThreshold,
        },
      }),
    findSimilar: (faceId, faceIds, { mode, maxCandidates }) =>
      call({
        method: 'POST',
        path: '/findsimilars',
        json: { faceId, faceIds, mode, maxNumOfCandidatesReturned: maxCandidates },
      }),
    group: (faceIds) => call({ method: 'POST', path: '/group', json: { faceIds } }),
    verify: (faceId, largePersonGroupId, personId) =>
      call({ method: 'POST', path: '/verify', json: { faceId, largePersonGroupId, personId } }),
    createGroup: (group, recognitionModel, { sendBefore }) =>
      call({ method: 'PUT', path: groupPath(group), json: { name: group, recognitionModel }, sendBefore }),
    getGroup: (group) =>
      call({ method: 'GET', path: groupPath(group), query: { returnRecognitionModel: true } }),
    deleteGroup: (group, { sendBefore }) => call({ method: 'DELETE', path: groupPath(group), sendBefore }),
    train: (group) => call({ method: 'POST', path: `${groupPath(group)}/train` }),
    trainingStatus: (group) => call({ method: 'GET', path: `${groupPath(group)}/training` }),
    async createPerson(group, name, userData) {
      const person = await call<{ personId: string }>({
        method: 'POST',
        path: `${groupPath(group)}/persons`,
        json: { name, userData },
      });
      return person.personId;
    },
    listPersons: (group, page) => call({ method: 'GET', path: `${groupPath(group)}/persons`, query: page }),
    getPerson: (group, personId) => call({ method: 'GET', path: personPath(group, personId) }),
    deletePerson: (group, personId) => call({ method: 'DELETE', path: personPath(group, personId) }),
    async addFace(group, personId, bytes, { targetFace, userData, detectionModel, sendBefore }) {
      const target =
        targetFace && [targetFace.left, targetFace.top, targetFace.width, targetFace.height].join(',');
      const face = await call<{ persistedFaceId: string }>({
        method: 'POST',
        path: `${personPath(group, personId)}/persistedfaces`,
        query: { targetFace: target, userData, detectionModel },
        bytes,
        sendBefore,
      });
      return face.persistedFaceId;
    },
    getFace: (group, personId, faceId) =>
      call({ method: 'GET', path: `${personPath(group, personId)}/persistedfaces/${faceId}` }),
    deleteFace: (group, personId, faceId) =>
      call({ method: 'DELETE', path: `${personPath(group, personId)}/persistedfaces/${faceId}` }),
  };
}

// @ts-nocheck
/**
 * Rollcall
 * 0.1.0
 * DO NOT MODIFY - This file has been generated using oazapfts.
 * See https://www.npmjs.com/package/oazapfts
 */
import * as Oazapfts from '@oazapfts/runtime';
import * as QS from '@oazapfts/runtime/query';
export const defaults: Oazapfts.Defaults<Oazapfts.CustomHeaders> = {
  headers: {},
  baseUrl: '/',
};
const oazapfts = Oazapfts.runtime(defaults);
export const servers = {
  server1: '/',
};
export type Health = {
  status: 'ok' | 'down';
  parts: {
    [key: string]: {
      status: 'ok' | 'down';
      detail?: string;
    };
  };
};
export type Problem = {
  /** Where the code is explained */
  type: string;
  title: string;
  status: number;
  detail?: string;
  code:
    | 'bad_path'
    | 'not_an_image'
    | 'unsupported_format'
    | 'image_too_small'
    | 'image_too_large'
    | 'no_face'
    | 'several_faces'
    | 'low_quality'
    | 'face_too_small'
    | 'person_full'
    | 'not_authenticated'
    | 'not_allowed'
    | 'bad_request'
    | 'unsupported_media_type'
    | 'body_too_large'
    | 'url_refused'
    | 'route_not_found'
    | 'group_not_found'
    | 'person_not_found'
    | 'image_not_found'
    | 'result_not_found'
    | 'erasure_not_found'
    | 'face_id_not_found'
    | 'face_id_expired'
    | 'recognition_model_fixed'
    | 'precondition_failed'
    | 'key_reused'
    | 'in_progress'
    | 'busy'
    | 'face_throttled'
    | 'quota_exceeded'
    | 'plan_full'
    | 'group_lost'
    | 'messaging_unavailable'
    | 'storage_unavailable'
    | 'face_unavailable'
    | 'face_refused'
    | 'face_access_denied'
    | 'recognition_model_mismatch'
    | 'training_failed'
    | 'too_many_attempts'
    | 'conflict'
    | 'internal';
  errors?: {
    field: string;
    expected: string;
  }[];
};
export type Explanation = {
  code:
    | 'bad_path'
    | 'not_an_image'
    | 'unsupported_format'
    | 'image_too_small'
    | 'image_too_large'
    | 'no_face'
    | 'several_faces'
    | 'low_quality'
    | 'face_too_small'
    | 'person_full'
    | 'not_authenticated'
    | 'not_allowed'
    | 'bad_request'
    | 'unsupported_media_type'
    | 'body_too_large'
    | 'url_refused'
    | 'route_not_found'
    | 'group_not_found'
    | 'person_not_found'
    | 'image_not_found'
    | 'result_not_found'
    | 'erasure_not_found'
    | 'face_id_not_found'
    | 'face_id_expired'
    | 'recognition_model_fixed'
    | 'precondition_failed'
    | 'key_reused'
    | 'in_progress'
    | 'busy'
    | 'face_throttled'
    | 'quota_exceeded'
    | 'plan_full'
    | 'group_lost'
    | 'messaging_unavailable'
    | 'storage_unavailable'
    | 'face_unavailable'
    | 'face_refused'
    | 'face_access_denied'
    | 'recognition_model_mismatch'
    | 'training_failed'
    | 'too_many_attempts'
    | 'conflict'
    | 'internal';
  status: number;
  /** Whether the pipeline tries again by itself */
  retried: boolean;
  title: string;
  remedy: string;
};
export type GroupSettings = {
  recognitionModel: 'recognition_01' | 'recognition_02' | 'recognition_03' | 'recognition_04';
  identifyThreshold?: number;
  minQuality?: 'high' | 'medium' | 'low' | 'none';
  severalFaces?: 'reject' | 'largest';
  group: string;
};
export type Group = {
  recognitionModel: 'recognition_01' | 'recognition_02' | 'recognition_03' | 'recognition_04';
  identifyThreshold?: number;
  minQuality?: 'high' | 'medium' | 'low' | 'none';
  severalFaces?: 'reject' | 'largest';
  group: string;
  persons: number;
  /** Dropped into enroll */
  images: {
    received: number;
    detected: number;
    enrolled: number;
    rejected: number;
    failed: number;
    removed: number;
  };
  /** Dropped into identify */
  probes: {
    received: number;
    identified: number;
    rejected: number;
    failed: number;
    removed: number;
  };
  training: {
    state: 'idle' | 'pending' | 'running' | 'failed';
    /** No change is waiting for training */
    covered: boolean;
    /** UTC, ISO 8601 */
    lastTrainedAt?: string;
    error?: string;
  };
};
export type Erasure = {
  id: string;
  group: string;
  kind: 'group' | 'person';
  state: 'running' | 'finished';
  /** UTC, ISO 8601 */
  requestedAt: string;
  /** When nothing was found any more and the group was trained without it */
  finishedAt?: string;
  erased: {
    blobs: number;
    /** Persisted faces in Face */
    faces: number;
    /** Records of pictures */
    pictures: number;
    faceIds: number;
    /** Results that were dropped, or no longer name the person */
    results: number;
  };
};
export type Person = {
  person: string;
  /** The person in Face */
  personId?: string;
  images: {
    received: number;
    detected: number;
    enrolled: number;
    rejected: number;
    failed: number;
    removed: number;
  };
  /** UTC, ISO 8601 */
  createdAt: string;
};
export type FaceRectangle = {
  left: number;
  top: number;
  width: number;
  height: number;
};
export type Picture = {
  /** The whole path, container first */
  image: string;
  group?: string;
  person?: string;
  state: 'received' | 'detected' | 'enrolled' | 'identified' | 'rejected' | 'failed' | 'removed';
  reason?:
    | 'bad_path'
    | 'not_an_image'
    | 'unsupported_format'
    | 'image_too_small'
    | 'image_too_large'
    | 'no_face'
    | 'several_faces'
    | 'low_quality'
    | 'face_too_small'
    | 'person_full'
    | 'not_authenticated'
    | 'not_allowed'
    | 'bad_request'
    | 'unsupported_media_type'
    | 'body_too_large'
    | 'url_refused'
    | 'route_not_found'
    | 'group_not_found'
    | 'person_not_found'
    | 'image_not_found'
    | 'result_not_found'
    | 'erasure_not_found'
    | 'face_id_not_found'
    | 'face_id_expired'
    | 'recognition_model_fixed'
    | 'precondition_failed'
    | 'key_reused'
    | 'in_progress'
    | 'busy'
    | 'face_throttled'
    | 'quota_exceeded'
    | 'plan_full'
    | 'group_lost'
    | 'messaging_unavailable'
    | 'storage_unavailable'
    | 'face_unavailable'
    | 'face_refused'
    | 'face_access_denied'
    | 'recognition_model_mismatch'
    | 'training_failed'
    | 'too_many_attempts'
    | 'conflict'
    | 'internal';
  detail?: string;
  faceRectangle?: FaceRectangle;
  qualityForRecognition?: 'low' | 'medium' | 'high';
  persistedFaceId?: string;
  /** UTC, ISO 8601 */
  receivedAt: string;
  /** UTC, ISO 8601 */
  updatedAt: string;
};
export type IdentifyAnswer = {
  id: string;
  group: string;
  /** UTC, ISO 8601 */
  createdAt: string;
  image?: string;
  kind: 'identify';
  recognitionModel: 'recognition_01' | 'recognition_02' | 'recognition_03' | 'recognition_04';
  trained: boolean;
  faces: {
    faceId: string;
    faceRectangle: FaceRectangle;
    qualityForRecognition?: 'low' | 'medium' | 'high';
    candidates: {
      person: string;
      personId: string;
      confidence: number;
    }[];
  }[];
};
export type FindSimilarAnswer = {
  id: string;
  group: string;
  /** UTC, ISO 8601 */
  createdAt: string;
  image?: string;
  kind: 'find-similar';
  searched: number;
  /** Whether there were more faces to look through, or more matches */
  truncated: boolean;
  faces: {
    faceId: string;
    faceRectangle: FaceRectangle;
    qualityForRecognition?: 'low' | 'medium' | 'high';
    matches: {
      faceId: string;
      image?: string;
      faceRectangle: FaceRectangle;
      confidence: number;
      /** UTC, ISO 8601 */
      detectedAt: string;
    }[];
  }[];
};
export type VerifyAnswer = {
  id: string;
  group: string;
  /** UTC, ISO 8601 */
  createdAt: string;
  image?: string;
  kind: 'verify';
  person: string;
  isIdentical: boolean;
  confidence: number;
  faces: {
    faceId: string;
    faceRectangle: FaceRectangle;
    qualityForRecognition?: 'low' | 'medium' | 'high';
    isIdentical: boolean;
    confidence: number;
  }[];
};
export type ClusterAnswer = {
  group: string;
  /** How many unknown faces were compared, newest first */
  searched: number;
  /** Whether there were more */
  truncated: boolean;
  /** Faces that belong together, most first */
  clusters: {
    faces: {
      faceId: string;
      image?: string;
      faceRectangle: FaceRectangle;
      /** UTC, ISO 8601 */
      detectedAt: string;
    }[];
  }[];
  /** Faces that are like no other */
  others: {
    faceId: string;
    image?: string;
    faceRectangle: FaceRectangle;
    /** UTC, ISO 8601 */
    detectedAt: string;
  }[];
};
/**
 * Whether every part answers
 */
export function health(
  {
    xRequestId,
  }: {
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: Health;
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Health;
      }
  >('/api/health', {
    ...opts,
    headers: oazapfts.mergeHeaders(opts?.headers, {
      'X-Request-Id': xRequestId,
    }),
  });
}
/**
 * This document
 */
export function openApi(
  {
    xRequestId,
  }: {
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: {
          openapi: string;
          [key: string]: any;
        };
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
  >('/api/openapi.json', {
    ...opts,
    headers: oazapfts.mergeHeaders(opts?.headers, {
      'X-Request-Id': xRequestId,
    }),
  });
}
/**
 * What an error means, and what can be done about it
 */
export function problem(
  code:
    | 'bad_path'
    | 'not_an_image'
    | 'unsupported_format'
    | 'image_too_small'
    | 'image_too_large'
    | 'no_face'
    | 'several_faces'
    | 'low_quality'
    | 'face_too_small'
    | 'person_full'
    | 'not_authenticated'
    | 'not_allowed'
    | 'bad_request'
    | 'unsupported_media_type'
    | 'body_too_large'
    | 'url_refused'
    | 'route_not_found'
    | 'group_not_found'
    | 'person_not_found'
    | 'image_not_found'
    | 'result_not_found'
    | 'erasure_not_found'
    | 'face_id_not_found'
    | 'face_id_expired'
    | 'recognition_model_fixed'
    | 'precondition_failed'
    | 'key_reused'
    | 'in_progress'
    | 'busy'
    | 'face_throttled'
    | 'quota_exceeded'
    | 'plan_full'
    | 'group_lost'
    | 'messaging_unavailable'
    | 'storage_unavailable'
    | 'face_unavailable'
    | 'face_refused'
    | 'face_access_denied'
    | 'recognition_model_mismatch'
    | 'training_failed'
    | 'too_many_attempts'
    | 'conflict'
    | 'internal',
  {
    xRequestId,
  }: {
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: Explanation;
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
  >(`/api/problems/${encodeURIComponent(code)}`, {
    ...opts,
    headers: oazapfts.mergeHeaders(opts?.headers, {
      'X-Request-Id': xRequestId,
    }),
  });
}
/**
 * The groups, by name
 */
export function listGroups(
  {
    top,
    after,
    xRequestId,
  }: {
    top?: number;
    after?: string;
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: {
          items: GroupSettings[];
          /** Pass as after for the next page */
          next?: string;
        };
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'storage_unavailable';
        };
      }
  >(
    `/api/groups${QS.query(
      QS.explode({
        top,
        after,
      }),
    )}`,
    {
      ...opts,
      headers: oazapfts.mergeHeaders(opts?.headers, {
        'X-Request-Id': xRequestId,
      }),
    },
  );
}
/**
 * Create a group, or change its settings
 */
export function putGroup(
  group: string,
  body?: {
    recognitionModel?: 'recognition_01' | 'recognition_02' | 'recognition_03' | 'recognition_04';
    identifyThreshold?: number;
    minQuality?: 'high' | 'medium' | 'low' | 'none';
    severalFaces?: 'reject' | 'largest';
  },
  {
    ifMatch,
    ifNoneMatch,
    xRequestId,
  }: {
    ifMatch?: string;
    ifNoneMatch?: string;
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: Group;
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 409;
        data: Problem & {
          code?: 'recognition_model_fixed';
        };
      }
    | {
        status: 412;
        data: Problem & {
          code?: 'precondition_failed';
        };
      }
    | {
        status: 413;
        data: Problem & {
          code?: 'body_too_large';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'conflict' | 'storage_unavailable';
        };
      }
  >(
    `/api/groups/${encodeURIComponent(group)}`,
    oazapfts.json({
      ...opts,
      method: 'PUT',
      body,
      headers: oazapfts.mergeHeaders(opts?.headers, {
        'If-Match': ifMatch,
        'If-None-Match': ifNoneMatch,
        'X-Request-Id': xRequestId,
      }),
    }),
  );
}
/**
 * A group: its settings, how many pictures are in which state, its training
 */
export function getGroup(
  group: string,
  {
    xRequestId,
  }: {
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: Group;
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'group_not_found';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'storage_unavailable';
        };
      }
  >(`/api/groups/${encodeURIComponent(group)}`, {
    ...opts,
    headers: oazapfts.mergeHeaders(opts?.headers, {
      'X-Request-Id': xRequestId,
    }),
  });
}
/**
 * Delete a group with everything in it: pictures, faces, records, results
 */
export function deleteGroup(
  group: string,
  {
    ifMatch,
    xRequestId,
  }: {
    ifMatch?: string;
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 202;
        data: Erasure;
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'group_not_found';
        };
      }
    | {
        status: 412;
        data: Problem & {
          code?: 'precondition_failed';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'conflict' | 'storage_unavailable' | 'messaging_unavailable';
        };
      }
  >(`/api/groups/${encodeURIComponent(group)}`, {
    ...opts,
    method: 'DELETE',
    headers: oazapfts.mergeHeaders(opts?.headers, {
      'If-Match': ifMatch,
      'X-Request-Id': xRequestId,
    }),
  });
}
/**
 * The persons of a group
 */
export function listPersons(
  group: string,
  {
    top,
    after,
    xRequestId,
  }: {
    top?: number;
    after?: string;
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: {
          items: Person[];
          /** Pass as after for the next page */
          next?: string;
        };
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'group_not_found';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'storage_unavailable';
        };
      }
  >(
    `/api/groups/${encodeURIComponent(group)}/persons${QS.query(
      QS.explode({
        top,
        after,
      }),
    )}`,
    {
      ...opts,
      headers: oazapfts.mergeHeaders(opts?.headers, {
        'X-Request-Id': xRequestId,
      }),
    },
  );
}
/**
 * A person and how many of its pictures are in which state
 */
export function getPerson(
  group: string,
  person: string,
  {
    xRequestId,
  }: {
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: Person;
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'group_not_found' | 'person_not_found';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'storage_unavailable';
        };
      }
  >(`/api/groups/${encodeURIComponent(group)}/persons/${encodeURIComponent(person)}`, {
    ...opts,
    headers: oazapfts.mergeHeaders(opts?.headers, {
      'X-Request-Id': xRequestId,
    }),
  });
}
/**
 * Delete a person with all pictures, faces, records and results of it
 */
export function deletePerson(
  group: string,
  person: string,
  {
    xRequestId,
  }: {
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 202;
        data: Erasure;
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'group_not_found' | 'person_not_found';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'conflict' | 'storage_unavailable' | 'messaging_unavailable';
        };
      }
  >(`/api/groups/${encodeURIComponent(group)}/persons/${encodeURIComponent(person)}`, {
    ...opts,
    method: 'DELETE',
    headers: oazapfts.mergeHeaders(opts?.headers, {
      'X-Request-Id': xRequestId,
    }),
  });
}
/**
 * How far a deletion is; when it is finished, what was removed: the proof
 */
export function getErasure(
  id: string,
  {
    xRequestId,
  }: {
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: Erasure;
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'erasure_not_found';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'storage_unavailable';
        };
      }
  >(`/api/erasures/${encodeURIComponent(id)}`, {
    ...opts,
    headers: oazapfts.mergeHeaders(opts?.headers, {
      'X-Request-Id': xRequestId,
    }),
  });
}
/**
 * Train the group now
 */
export function train(
  group: string,
  {
    xRequestId,
  }: {
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 202;
        data: {
          group: string;
        };
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'group_not_found';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'conflict' | 'storage_unavailable' | 'messaging_unavailable';
        };
      }
  >(`/api/groups/${encodeURIComponent(group)}/train`, {
    ...opts,
    method: 'POST',
    headers: oazapfts.mergeHeaders(opts?.headers, {
      'X-Request-Id': xRequestId,
    }),
  });
}
/**
 * Every picture of a group: its state and, where it was refused, why
 */
export function listImages(
  group: string,
  {
    top,
    after,
    state,
    person,
    xRequestId,
  }: {
    top?: number;
    after?: string;
    state?: 'received' | 'detected' | 'enrolled' | 'identified' | 'rejected' | 'failed' | 'removed';
    person?: string;
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: {
          items: Picture[];
          /** Pass as after for the next page */
          next?: string;
        };
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'group_not_found';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'storage_unavailable';
        };
      }
  >(
    `/api/groups/${encodeURIComponent(group)}/images${QS.query(
      QS.explode({
        top,
        after,
        state,
        person,
      }),
    )}`,
    {
      ...opts,
      headers: oazapfts.mergeHeaders(opts?.headers, {
        'X-Request-Id': xRequestId,
      }),
    },
  );
}
/**
 * Every picture of every group, and those whose path names no group
 */
export function listAllImages(
  {
    top,
    after,
    state,
    xRequestId,
  }: {
    top?: number;
    after?: string;
    state?: 'received' | 'detected' | 'enrolled' | 'identified' | 'rejected' | 'failed' | 'removed';
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: {
          items: Picture[];
          /** Pass as after for the next page */
          next?: string;
        };
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'storage_unavailable';
        };
      }
  >(
    `/api/images${QS.query(
      QS.explode({
        top,
        after,
        state,
      }),
    )}`,
    {
      ...opts,
      headers: oazapfts.mergeHeaders(opts?.headers, {
        'X-Request-Id': xRequestId,
      }),
    },
  );
}
/**
 * Drop a picture of a person; the same bytes again change nothing
 */
export function putImage(
  group: string,
  person: string,
  image: string,
  body: Blob,
  {
    xRequestId,
  }: {
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 202;
        data: {
          /** The whole path, container first */
          image: string;
        };
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request' | 'bad_path';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 413;
        data: Problem & {
          code?: 'image_too_large';
        };
      }
    | {
        status: 415;
        data: Problem & {
          code?: 'unsupported_media_type';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'storage_unavailable' | 'conflict';
        };
      }
  >(
    `/api/groups/${encodeURIComponent(group)}/persons/${encodeURIComponent(person)}/images/${encodeURIComponent(image)}`,
    {
      ...opts,
      method: 'PUT',
      body,
      headers: oazapfts.mergeHeaders(opts?.headers, {
        'X-Request-Id': xRequestId,
      }),
    },
  );
}
/**
 * Delete a picture of a person, and its face
 */
export function deleteImage(
  group: string,
  person: string,
  image: string,
  {
    xRequestId,
  }: {
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 202;
        data: {
          /** The whole path, container first */
          image: string;
        };
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request' | 'bad_path';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'image_not_found';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'storage_unavailable' | 'conflict' | 'messaging_unavailable';
        };
      }
  >(
    `/api/groups/${encodeURIComponent(group)}/persons/${encodeURIComponent(person)}/images/${encodeURIComponent(image)}`,
    {
      ...opts,
      method: 'DELETE',
      headers: oazapfts.mergeHeaders(opts?.headers, {
        'X-Request-Id': xRequestId,
      }),
    },
  );
}
/**
 * Send what failed round again, 500 pictures at a time
 */
export function redrive(
  {
    xRequestId,
  }: {
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 202;
        data: {
          /** How many failed pictures were sent round again */
          redriven: number;
          /** Whether there are others: ask once more */
          more: boolean;
        };
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'storage_unavailable' | 'conflict' | 'messaging_unavailable';
        };
      }
  >('/api/failures/redrive', {
    ...opts,
    method: 'POST',
    headers: oazapfts.mergeHeaders(opts?.headers, {
      'X-Request-Id': xRequestId,
    }),
  });
}
/**
 * Who is on this picture
 */
export function identify(
  group: string,
  body:
    | {
        url: string;
      }
    | {
        image: string;
      }
    | {
        faceIds: string[];
      },
  {
    maxCandidates,
    confidenceThreshold,
    idempotencyKey,
    xRequestId,
  }: {
    maxCandidates?: number;
    confidenceThreshold?: number;
    idempotencyKey?: string;
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: IdentifyAnswer;
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request' | 'url_refused';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'image_not_found' | 'face_id_not_found' | 'group_not_found';
        };
      }
    | {
        status: 409;
        data: Problem & {
          code?: 'in_progress';
        };
      }
    | {
        status: 410;
        data: Problem & {
          code?: 'face_id_expired';
        };
      }
    | {
        status: 413;
        data: Problem & {
          code?: 'image_too_large' | 'body_too_large';
        };
      }
    | {
        status: 415;
        data: Problem & {
          code?: 'not_an_image' | 'unsupported_format' | 'unsupported_media_type';
        };
      }
    | {
        status: 422;
        data: Problem & {
          code?: 'image_too_small' | 'key_reused';
        };
      }
    | {
        status: 429;
        data: Problem & {
          code?: 'busy';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 502;
        data: Problem & {
          code?: 'face_access_denied';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?:
            'face_throttled' | 'quota_exceeded' | 'face_unavailable' | 'conflict' | 'storage_unavailable';
        };
      }
  >(
    `/api/groups/${encodeURIComponent(group)}/identify${QS.query(
      QS.explode({
        maxCandidates,
        confidenceThreshold,
      }),
    )}`,
    oazapfts.json({
      ...opts,
      method: 'POST',
      body,
      headers: oazapfts.mergeHeaders(opts?.headers, {
        'Idempotency-Key': idempotencyKey,
        'X-Request-Id': xRequestId,
      }),
    }),
  );
}
/**
 * Where else the ten largest faces of a picture were seen
 */
export function findSimilar(
  group: string,
  body:
    | {
        url: string;
      }
    | {
        image: string;
      }
    | {
        faceId: string;
      },
  {
    mode,
    maxCandidates,
    since,
    idempotencyKey,
    xRequestId,
  }: {
    mode?: 'matchPerson' | 'matchFace';
    maxCandidates?: number;
    since?: string;
    idempotencyKey?: string;
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: FindSimilarAnswer;
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request' | 'url_refused';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'image_not_found' | 'face_id_not_found' | 'group_not_found';
        };
      }
    | {
        status: 409;
        data: Problem & {
          code?: 'in_progress';
        };
      }
    | {
        status: 410;
        data: Problem & {
          code?: 'face_id_expired';
        };
      }
    | {
        status: 413;
        data: Problem & {
          code?: 'image_too_large' | 'body_too_large';
        };
      }
    | {
        status: 415;
        data: Problem & {
          code?: 'not_an_image' | 'unsupported_format' | 'unsupported_media_type';
        };
      }
    | {
        status: 422;
        data: Problem & {
          code?: 'image_too_small' | 'key_reused';
        };
      }
    | {
        status: 429;
        data: Problem & {
          code?: 'busy';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 502;
        data: Problem & {
          code?: 'face_access_denied';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?:
            'face_throttled' | 'quota_exceeded' | 'face_unavailable' | 'conflict' | 'storage_unavailable';
        };
      }
  >(
    `/api/groups/${encodeURIComponent(group)}/find-similar${QS.query(
      QS.explode({
        mode,
        maxCandidates,
        since,
      }),
    )}`,
    oazapfts.json({
      ...opts,
      method: 'POST',
      body,
      headers: oazapfts.mergeHeaders(opts?.headers, {
        'Idempotency-Key': idempotencyKey,
        'X-Request-Id': xRequestId,
      }),
    }),
  );
}
/**
 * Whether this person is one of the ten largest faces of the picture
 */
export function verify(
  group: string,
  person: string,
  body:
    | {
        url: string;
      }
    | {
        image: string;
      }
    | {
        faceId: string;
      },
  {
    idempotencyKey,
    xRequestId,
  }: {
    idempotencyKey?: string;
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: VerifyAnswer;
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request' | 'url_refused';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'person_not_found' | 'image_not_found' | 'face_id_not_found' | 'group_not_found';
        };
      }
    | {
        status: 409;
        data: Problem & {
          code?: 'in_progress';
        };
      }
    | {
        status: 410;
        data: Problem & {
          code?: 'face_id_expired';
        };
      }
    | {
        status: 413;
        data: Problem & {
          code?: 'image_too_large' | 'body_too_large';
        };
      }
    | {
        status: 415;
        data: Problem & {
          code?: 'not_an_image' | 'unsupported_format' | 'unsupported_media_type';
        };
      }
    | {
        status: 422;
        data: Problem & {
          code?: 'no_face' | 'image_too_small' | 'key_reused';
        };
      }
    | {
        status: 429;
        data: Problem & {
          code?: 'busy';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 502;
        data: Problem & {
          code?: 'face_access_denied';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?:
            'face_throttled' | 'quota_exceeded' | 'face_unavailable' | 'conflict' | 'storage_unavailable';
        };
      }
  >(
    `/api/groups/${encodeURIComponent(group)}/verify${QS.query(
      QS.explode({
        person,
      }),
    )}`,
    oazapfts.json({
      ...opts,
      method: 'POST',
      body,
      headers: oazapfts.mergeHeaders(opts?.headers, {
        'Idempotency-Key': idempotencyKey,
        'X-Request-Id': xRequestId,
      }),
    }),
  );
}
/**
 * Which of the recent unknown faces belong together
 */
export function cluster(
  group: string,
  {
    since,
    xRequestId,
  }: {
    since?: string;
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: ClusterAnswer;
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'group_not_found';
        };
      }
    | {
        status: 429;
        data: Problem & {
          code?: 'busy';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 502;
        data: Problem & {
          code?: 'face_access_denied';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?:
            'face_throttled' | 'quota_exceeded' | 'face_unavailable' | 'conflict' | 'storage_unavailable';
        };
      }
  >(
    `/api/groups/${encodeURIComponent(group)}/cluster${QS.query(
      QS.explode({
        since,
      }),
    )}`,
    {
      ...opts,
      method: 'POST',
      headers: oazapfts.mergeHeaders(opts?.headers, {
        'X-Request-Id': xRequestId,
      }),
    },
  );
}
/**
 * What identify, find-similar and verify answered, newest first
 */
export function listResults(
  group: string,
  {
    top,
    after,
    kind,
    person,
    since,
    until,
    xRequestId,
  }: {
    top?: number;
    after?: string;
    kind?: 'identify' | 'find-similar' | 'verify';
    person?: string;
    since?: string;
    until?: string;
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: {
          items: (IdentifyAnswer | FindSimilarAnswer | VerifyAnswer)[];
          /** Pass as after for the next page */
          next?: string;
        };
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'group_not_found';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'storage_unavailable';
        };
      }
  >(
    `/api/groups/${encodeURIComponent(group)}/results${QS.query(
      QS.explode({
        top,
        after,
        kind,
        person,
        since,
        until,
      }),
    )}`,
    {
      ...opts,
      headers: oazapfts.mergeHeaders(opts?.headers, {
        'X-Request-Id': xRequestId,
      }),
    },
  );
}
/**
 * One result
 */
export function getResult(
  group: string,
  id: string,
  {
    xRequestId,
  }: {
    xRequestId?: string;
  } = {},
  opts?: Oazapfts.RequestOpts,
) {
  return oazapfts.fetchJson<
    | {
        status: 200;
        data: IdentifyAnswer | FindSimilarAnswer | VerifyAnswer;
      }
    | {
        status: 400;
        data: Problem & {
          code?: 'bad_request';
        };
      }
    | {
        status: 401;
        data: Problem & {
          code?: 'not_authenticated';
        };
      }
    | {
        status: 403;
        data: Problem & {
          code?: 'not_allowed';
        };
      }
    | {
        status: 404;
        data: Problem & {
          code?: 'group_not_found' | 'result_not_found';
        };
      }
    | {
        status: 500;
        data: Problem & {
          code?: 'internal';
        };
      }
    | {
        status: 503;
        data: Problem & {
          code?: 'storage_unavailable';
        };
      }
  >(`/api/groups/${encodeURIComponent(group)}/results/${encodeURIComponent(id)}`, {
    ...opts,
    headers: oazapfts.mergeHeaders(opts?.headers, {
      'X-Request-Id': xRequestId,
    }),
  });
}

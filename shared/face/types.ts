/** The wire types of the part of the Face REST API v1.2 that Rollcall uses. Rectangles are in pixels. */

export type FaceRectangle = { left: number; top: number; width: number; height: number };

export type QualityForRecognition = 'low' | 'medium' | 'high';

export type DetectedFace = {
  faceId: string;
  faceRectangle: FaceRectangle;
  faceAttributes?: { qualityForRecognition?: QualityForRecognition };
};

export type DetectOptions = {
  detectionModel: string;
  recognitionModel: string;
  /** In seconds, 60 to 86,400. */
  faceIdTimeToLive: number;
};

export type PersonGroup = { largePersonGroupId: string; name: string; recognitionModel?: string };

export type FacePerson = { personId: string; name: string; userData?: string; persistedFaceIds?: string[] };

export type PersistedFace = { persistedFaceId: string; userData?: string };

/** `status` is compared in lower case, because the versions of the API spell `notStarted` in three ways. */
export type TrainingStatus = {
  status: string;
  createdDateTime: string;
  lastActionDateTime: string;
  lastSuccessfulTrainingDateTime?: string;
  message?: string;
};

export type IdentifyCandidate = { personId: string; confidence: number };

export type IdentifyResult = { faceId: string; candidates: IdentifyCandidate[] };

export type SimilarFace = { faceId: string; confidence: number };

export type VerifyResult = { isIdentical: boolean; confidence: number };

export type FindSimilarMode = 'matchPerson' | 'matchFace';

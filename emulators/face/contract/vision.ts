/* The interface between the Face service and its models. Another pack of models can implement it. */

/** Whole pixels of the upright image (EXIF orientation applied). */
export type Rectangle = { left: number; top: number; width: number; height: number };

export type Point = { x: number; y: number };

export const detectionModels = ['detection_01', 'detection_02', 'detection_03'] as const;
export type DetectionModel = (typeof detectionModels)[number];

/** Embeddings of different models cannot be compared. */
export const recognitionModels = [
  'recognition_01',
  'recognition_02',
  'recognition_03',
  'recognition_04',
] as const;
export type RecognitionModel = (typeof recognitionModels)[number];

/** The requested results of an analysis; others need not be computed. */
export type Wanted = {
  detectionModel: DetectionModel;
  /** Absent if no embedding is needed, which saves a quarter of the time. */
  recognitionModel?: RecognitionModel;
  /** All 27 landmarks instead of five. */
  landmarks: boolean;
  /** Names of the Face API: `headPose`, `mask`, …; retired ones only if the operator allows them. */
  attributes: readonly string[];
};

type Level = 'low' | 'medium' | 'high';

export type AnalyzedFace = {
  rectangle: Rectangle;
  /** Score of the detector, 0 to 1. */
  score: number;
  /** The 27 points of the Face API by their names (`pupilLeft`, `noseTip`, …). */
  landmarks: Record<string, Point>;
  /** Degrees, in the Face API's sense of direction. */
  headPose: { pitch: number; roll: number; yaw: number };
  blur: { blurLevel: Level; value: number };
  exposure: { exposureLevel: 'underExposure' | 'goodExposure' | 'overExposure'; value: number };
  /** Absent unless requested. */
  qualityForRecognition?: Level;
  /** Of unit length; absent without a requested recognition model. */
  embedding?: Float32Array;
} & Partial<OptionalAttributes>;

/** Attributes that models may not be able to tell. The response leaves out an absent attribute. */
export type OptionalAttributes = {
  noise: { noiseLevel: Level; value: number };
  glasses: 'noGlasses' | 'readingGlasses' | 'sunglasses' | 'swimmingGoggles';
  occlusion: { foreheadOccluded: boolean; eyeOccluded: boolean; mouthOccluded: boolean };
  accessories: { type: 'headwear' | 'glasses' | 'mask'; confidence: number }[];
  mask: {
    type: 'noMask' | 'faceMask' | 'otherMaskOrOcclusion' | 'uncertain';
    noseAndMouthCovered: boolean;
  };
  /** Estimated years. Azure has retired this attribute and those below. */
  age: number;
  gender: 'male' | 'female';
  /** 0 to 1. */
  smile: number;
  /** Eight numbers that add up to 1, by the names of the Face API: `happiness`, `neutral`, … */
  emotion: Record<string, number>;
};

/** The embedding of a face whose analysis named a recognition model. @throws Error when it is absent */
export function requireEmbedding({ embedding }: AnalyzedFace): Float32Array {
  if (embedding === undefined)
    throw new Error('the analysis named a recognition model, but the face has no embedding');
  return embedding;
}

export type AnalyzedImage = {
  width: number;
  height: number;
  /** Largest rectangle first. */
  faces: AnalyzedFace[];
};

/** The reasons for refusing an image. The Face service answers each with an error of the Face API. */
export type ImageFault = 'not_decodable' | 'too_small' | 'too_big';

export class ImageRefused extends Error {
  override readonly name = 'ImageRefused';
  readonly fault: ImageFault;
  constructor(fault: ImageFault, detail: string) {
    super(detail);
    this.fault = fault;
  }
}

export interface Vision {
  /**
   * Finds and describes every face of an encoded image (JPEG, PNG, GIF first frame, BMP).
   * @throws ImageRefused
   */
  analyze(image: Uint8Array, wanted: Wanted): Promise<AnalyzedImage>;
  /**
   * The similarity of two embeddings of one recognition model, 0 to 1. From 0.5 on they count as the same person; 1 is
   * the same image.
   */
  confidence(a: Float32Array, b: Float32Array, model: RecognitionModel): number;
  close(): Promise<void>;
}

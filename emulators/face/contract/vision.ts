/** What the Face service asks of its models: the seam behind which another pack of models can stand. */

/** Pixels of the upright picture (EXIF orientation applied), whole numbers. */
export type Rectangle = { left: number; top: number; width: number; height: number };

export type Point = { x: number; y: number };

export const detectionModels = ['detection_01', 'detection_02', 'detection_03'] as const;
export type DetectionModel = (typeof detectionModels)[number];

/** Vectors of different ones cannot be compared. */
export const recognitionModels = [
  'recognition_01',
  'recognition_02',
  'recognition_03',
  'recognition_04',
] as const;
export type RecognitionModel = (typeof recognitionModels)[number];

/** What a call wants to know of a picture. What nobody asks for need not be worked out. */
export type Wanted = {
  detectionModel: DetectionModel;
  /** Absent: nobody will recognise the faces, which spares a quarter of the time. */
  recognitionModel?: RecognitionModel;
  /** All 27 points. */
  landmarks: boolean;
  /** By the names of the Face API: `headPose`, `mask`, …; the retired ones only where the operator switched them on. */
  attributes: readonly string[];
};

type Level = 'low' | 'medium' | 'high';

export type AnalyzedFace = {
  rectangle: Rectangle;
  /** How sure the detector is, 0 to 1. */
  score: number;
  /** The 27 points of the Face API by their names (`pupilLeft`, `noseTip`, …). */
  landmarks: Record<string, Point>;
  /** Degrees, in the Face API's sense of direction. */
  headPose: { pitch: number; roll: number; yaw: number };
  blur: { blurLevel: Level; value: number };
  exposure: { exposureLevel: 'underExposure' | 'goodExposure' | 'overExposure'; value: number };
  /** Absent unless asked for. */
  qualityForRecognition?: Level;
  /** Of the recognition model that was wanted, unit length; absent where none was. */
  embedding?: Float32Array;
} & Partial<UnsureAttributes>;

/** What models may not be able to tell: a property that is absent is left out of the answer, never made up. */
export type UnsureAttributes = {
  noise: { noiseLevel: Level; value: number };
  glasses: 'noGlasses' | 'readingGlasses' | 'sunglasses' | 'swimmingGoggles';
  occlusion: { foreheadOccluded: boolean; eyeOccluded: boolean; mouthOccluded: boolean };
  accessories: { type: 'headwear' | 'glasses' | 'mask'; confidence: number }[];
  mask: {
    type: 'noMask' | 'faceMask' | 'otherMaskOrOcclusion' | 'uncertain';
    noseAndMouthCovered: boolean;
  };
  /** The rest are retired by Azure, and estimates here. Years. */
  age: number;
  gender: 'male' | 'female';
  /** 0 to 1. */
  smile: number;
  /** Eight numbers that add up to 1, by the names of the Face API: `happiness`, `neutral`, … */
  emotion: Record<string, number>;
};

/** The embedding of a face whose analysis named a recognition model. @throws Error when it is absent */
export function requireEmbedding({ embedding }: AnalyzedFace): Float32Array {
  if (embedding === undefined) throw new Error('The vision gave no embedding, though a model was named.');
  return embedding;
}

export type AnalyzedImage = {
  width: number;
  height: number;
  /** Largest rectangle first. */ faces: AnalyzedFace[];
};

/** What a picture can be refused for; the Face service turns each into the error of its contract. */
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
   * Finds and describes every face of an encoded picture (JPEG, PNG, GIF first frame, BMP).
   * @throws ImageRefused
   */
  analyze(image: Uint8Array, wanted: Wanted): Promise<AnalyzedImage>;
  /**
   * How alike two embeddings of one recognition model are, 0 to 1; 0.5 separates the same person from different
   * ones, 1 is the same picture.
   */
  confidence(a: Float32Array, b: Float32Array, model: RecognitionModel): number;
  close(): Promise<void>;
}

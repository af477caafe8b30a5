/** What the Face service asks of its models: the seam behind which another pack of models can stand. */

/** Pixels of the upright picture (EXIF orientation applied), whole numbers. */
export type Rectangle = { left: number; top: number; width: number; height: number };

export type Point = { x: number; y: number };

export type AnalyzedFace = {
  rectangle: Rectangle;
  /** How sure the detector is, 0 to 1. */
  score: number;
  /** The 27 points of the Face API by their names (`pupilLeft`, `noseTip`, …). */
  landmarks: Record<string, Point>;
  /** Degrees, in the Face API's sense of direction. */
  headPose: { pitch: number; roll: number; yaw: number };
  blur: { blurLevel: 'low' | 'medium' | 'high'; value: number };
  exposure: { exposureLevel: 'underExposure' | 'goodExposure' | 'overExposure'; value: number };
  qualityForRecognition: 'low' | 'medium' | 'high';
  /** Unit length. */
  embedding: Float32Array;
};

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
  analyze(image: Uint8Array): Promise<AnalyzedImage>;
  /** How alike two embeddings are, 0 to 1; 0.5 separates the same person from different ones, 1 is the same picture. */
  confidence(a: Float32Array, b: Float32Array): number;
  close(): Promise<void>;
}

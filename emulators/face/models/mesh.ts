import type { AnalyzedFace, Point } from '../contract/vision.ts';
import type { FoundFace } from './detectFaces.ts';
import { levelledSquare } from './faceFeatures.ts';
import type { ImagePyramid } from './image/pyramid.ts';
import { Tensor, type Network } from './runtime.ts';

/** Side of the input of human's face mesh in pixels, and width of the crop in widths of the face. */
const size = 192;
const wider = 1.5;

/** The 468 points of MediaPipe's face mesh, by their published numbers. */
export type FaceMesh = {
  /** In pixels of the image. */
  at: (number: number) => Point;
  /** x, y and depth in the crop, in which the eyes are level. */
  inCrop: (number: number) => Vector;
};

type Vector = [x: number, y: number, z: number];

export async function computeMesh(network: Network, image: ImagePyramid, face: FoundFace): Promise<FaceMesh> {
  const crop = levelledSquare(face, size, wider);
  const normalization = { offset: 0, scale: 1 / 255, outside: 0 };
  const values = image.cut([crop], { width: size, height: size }, normalization);
  const answer = await network.run({ input: new Tensor('float32', values, [1, 3, size, size]) });
  const numbers = answer['output0']?.data as Float32Array;
  const { a, b, c, d } = crop;
  const inCrop = (number: number): Vector => [
    numbers[number * 3] ?? 0,
    numbers[number * 3 + 1] ?? 0,
    numbers[number * 3 + 2] ?? 0,
  ];
  const at = (number: number) => {
    const [x, y] = inCrop(number);
    return { x: a * (x - 0.5) - b * (y - 0.5) + c, y: b * (x - 0.5) + a * (y - 0.5) + d };
  };
  return { at, inCrop };
}

const sides = { left: 234, right: 454 };
const heights = { forehead: 10, chin: 152 };
/** The median pitch and yaw of the mesh on the portraits of LFW, where people look into the camera. */
const frontal = { pitch: -5.3, yaw: 0.9 };
const degrees = 180 / Math.PI;

/**
 * Pitch and yaw in degrees, from the plane through the sides of the face, the forehead and the chin. On LFW the
 * difference to a rigid fit of all points is below half a degree.
 */
export function estimateGaze({ inCrop }: FaceMesh): Pick<AnalyzedFace['headPose'], 'pitch' | 'yaw'> {
  const across = unit(difference(inCrop(sides.right), inCrop(sides.left)));
  const down = difference(inCrop(heights.chin), inCrop(heights.forehead));
  // Depth increases away from the camera.
  const [x, y, z] = unit(cross(down, across));
  const toCamera = z > 0 ? -1 : 1;
  return {
    pitch: Math.asin(-y * toCamera) * degrees - frontal.pitch,
    yaw: Math.atan2(x * toCamera, -z * toCamera) * degrees - frontal.yaw,
  };
}

function difference(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(vector: Vector): Vector {
  const length = Math.hypot(...vector);
  return [vector[0] / length, vector[1] / length, vector[2] / length];
}

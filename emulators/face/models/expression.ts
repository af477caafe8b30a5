import type { FoundFace } from './detectFaces.ts';
import { levelledSquare } from './faceFeatures.ts';
import type { ImagePyramid } from './image/pyramid.ts';
import { Tensor, type Network } from './runtime.ts';

const size = 64;
/** The order of the outputs of human's expression network. */
const names = ['anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise', 'neutral'] as const;

/** Emotions by the names of the Face API, which add up to 1. Contempt is always 0: the network does not tell it. */
export async function estimateEmotion(
  network: Network,
  image: ImagePyramid,
  face: FoundFace,
): Promise<Record<string, number>> {
  const plane = size * size;
  const crop = levelledSquare(face, size, 1);
  const rgb = image.cut([crop], { width: size, height: size }, { offset: 127.5, scale: 1 / 127.5 });
  const gray = new Float32Array(plane);
  for (let index = 0; index < plane; index += 1) {
    const [red = 0, green = 0, blue = 0] = [rgb[index], rgb[index + plane], rgb[index + 2 * plane]];
    gray[index] = 0.2989 * red + 0.587 * green + 0.114 * blue;
  }
  const answer = await network.run({ input: new Tensor('float32', gray, [1, 1, size, size]) });
  const scores = answer['output0']?.data as Float32Array;
  return { contempt: 0, ...Object.fromEntries(names.map((name, index) => [name, scores[index] ?? 0])) };
}

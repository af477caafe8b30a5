import type { RecognitionModel } from '../contract/vision.ts';
import { computeDescriptor } from './descriptor.ts';
import { computeMobileFaceNet, type AlignedFace } from './alignedFace.ts';
import { families } from './families.ts';
import type { ImagePyramid } from './image/pyramid.ts';
import type { Networks } from './sessions.ts';

/**
 * The weight of MobileFaceNet in the cosine of fused vectors. The cosines of the descriptor are close together (0.8 to
 * 1), so that the descriptor decides less than its weight suggests. On the 1.25 million pairs of LFW's folds 0 and 1,
 * weights from 0.35 to 0.6 are nearly as good.
 */
const embeddingWeight = 0.4;

/**
 * The embedding of a face, of unit length. `descriptor`: 128 numbers of face-api's network. `fused`: 192 numbers of
 * MobileFaceNet and 128 of the descriptor, weighted so that their cosine is the weighted mean of both cosines.
 */
export async function computeEmbedding(
  networks: Networks,
  image: ImagePyramid,
  aligned: AlignedFace,
  model: RecognitionModel,
): Promise<Float32Array> {
  if (families[model] === 'descriptor') {
    return computeDescriptor(await networks.descriptor(), image, aligned.toImage, { mirror: true });
  }
  // In fused vectors the mirror image of the descriptor improves nothing.
  const descriptor = await computeDescriptor(await networks.descriptor(), image, aligned.toImage, {
    mirror: false,
  });
  const embedding = await computeMobileFaceNet(networks.embedding, aligned);
  const fused = new Float32Array(embedding.length + descriptor.length);
  fused.set(embedding.map((value) => value * Math.sqrt(embeddingWeight)));
  fused.set(
    descriptor.map((value) => value * Math.sqrt(1 - embeddingWeight)),
    embedding.length,
  );
  return fused;
}

import type { RecognitionModel } from '../contract/vision.ts';
import { descriptorOf } from './descriptor.ts';
import { embeddingOf, type Look } from './embed.ts';
import { familyOf } from './families.ts';
import type { Picture } from './image/picture.ts';
import type { Networks } from './sessions.ts';

/**
 * Share of MobileFaceNet in the cosine of fused vectors. The descriptor's cosines lie close together (0.8 to 1), so
 * that its larger share weighs less than half. On the 1.25 million pairs of LFW's folds 0 and 1, anything from 0.35
 * to 0.6 does nearly as well.
 */
const shareOfEmbedding = 0.4;

/**
 * What a face is recognised by, of unit length. `descriptor`: 128 numbers of face-api's network. `fused`: 192 of
 * MobileFaceNet and 128 of the descriptor, weighted so that their cosine is the weighted mean of both cosines.
 */
export async function recognise(
  networks: Networks,
  picture: Picture,
  look: Look,
  model: RecognitionModel,
): Promise<Float32Array> {
  if (familyOf[model] === 'descriptor') {
    return descriptorOf(await networks.descriptor(), picture, look.toPicture, { mirror: true });
  }
  // The mirror image of the second adds nothing once both are joined.
  const descriptor = await descriptorOf(await networks.descriptor(), picture, look.toPicture, {
    mirror: false,
  });
  const embedding = await embeddingOf(networks.embedding, look);
  const fused = new Float32Array(embedding.length + descriptor.length);
  fused.set(embedding.map((value) => value * Math.sqrt(shareOfEmbedding)));
  fused.set(
    descriptor.map((value) => value * Math.sqrt(1 - shareOfEmbedding)),
    embedding.length,
  );
  return fused;
}

import { ImageRefused, type AnalyzedImage, type ImageFault, type Wanted } from '../contract/vision.ts';
import { analyzeImage } from './analyze.ts';
import { loadNetworks } from './sessions.ts';

/** The answer of a worker. Refusals are values, since errors lose their class between threads. */
export type WorkerAnswer = { analyzed: AnalyzedImage } | { refused: ImageFault; detail: string };

export type WorkerTask = { image: Uint8Array; wanted: Wanted };

const networks = await loadNetworks();

/** Called in a thread of the pool. */
export async function analyze({ image, wanted }: WorkerTask): Promise<WorkerAnswer> {
  try {
    return { analyzed: await analyzeImage(networks, image, wanted) };
  } catch (error) {
    if (error instanceof ImageRefused) return { refused: error.fault, detail: error.message };
    throw error;
  }
}

import { ImageRefused, type AnalyzedImage, type ImageFault } from '../vision.ts';
import { analyzeImage } from './analyze.ts';
import { loadNetworks } from './sessions.ts';

/** What a worker answers: errors lose their class on the way between threads. */
export type WorkerAnswer = { analyzed: AnalyzedImage } | { refused: ImageFault; detail: string };

const networks = await loadNetworks();

/** Runs in a thread of the pool. */
export async function analyze(bytes: Uint8Array): Promise<WorkerAnswer> {
  try {
    return { analyzed: await analyzeImage(networks, bytes) };
  } catch (error) {
    if (error instanceof ImageRefused) return { refused: error.fault, detail: error.message };
    throw error;
  }
}

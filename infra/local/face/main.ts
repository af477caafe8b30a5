import { runPart } from '../part.ts';
import { startFaceProcess } from './faceProcess.ts';

await runPart(startFaceProcess);

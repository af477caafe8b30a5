import { runPart } from '../common/childProcess.ts';
import { startFaceProcess } from './faceProcess.ts';

await runPart(startFaceProcess);

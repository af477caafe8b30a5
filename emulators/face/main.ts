import { runEmulator } from '../common/childProcess.ts';
import { startFaceProcess } from './faceProcess.ts';

await runEmulator(startFaceProcess);

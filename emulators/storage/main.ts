import { runPart } from '../common/childProcess.ts';
import { startStorage } from './storage.ts';

await runPart(startStorage);

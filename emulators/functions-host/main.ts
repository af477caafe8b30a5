import { runEmulator } from '../common/childProcess.ts';
import { startFunctionsHost } from './host.ts';

await runEmulator(startFunctionsHost);

import { runPart } from '../common/childProcess.ts';
import { startFunctionsHost } from './host.ts';

await runPart(startFunctionsHost);

import { runPart } from '../part.ts';
import { startFunctionsHost } from './host.ts';

await runPart(startFunctionsHost);

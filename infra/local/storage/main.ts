import { runPart } from '../part.ts';
import { startStorage } from './storage.ts';

await runPart(startStorage);

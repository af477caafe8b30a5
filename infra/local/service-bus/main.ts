import { runPart } from '../part.ts';
import { startServiceBus } from './broker.ts';

await runPart(startServiceBus);

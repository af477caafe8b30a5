import { runPart } from '../common/childProcess.ts';
import { startServiceBus } from './broker.ts';

await runPart(startServiceBus);

import { runEmulator } from '../common/childProcess.ts';
import { startServiceBus } from './broker.ts';

await runEmulator(startServiceBus, { holder: 'Service Bus', files: ['messages.sqlite', 'key'] });

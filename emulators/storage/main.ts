import { runEmulator } from '../common/childProcess.ts';
import { startStorage } from './storage.ts';

await runEmulator(startStorage, { holder: 'storage', files: ['metadata.sqlite', 'key'] });

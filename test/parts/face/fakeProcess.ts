import { runEmulator } from '../../../emulators/common/childProcess.ts';
import { startFace } from '../../../emulators/face/service.ts';
import { createFakeVision } from './fakeVision.ts';

/* The service without models, as a process that can be killed. */

await runEmulator(({ dataDir, trainingMs = 0 }: { dataDir: string; trainingMs?: number }) =>
  startFace({
    dataDir,
    port: 0,
    quota: 'none',
    vision: createFakeVision(),
    // For one face none.
    trainingTime: (faces) => (faces > 1 ? trainingMs : 0),
  }),
);

import { writeFile } from 'node:fs/promises';
import { errorsGuide, settingsGuide } from './guides.ts';

await writeFile('docs/settings.md', await settingsGuide());
await writeFile('docs/errors.md', await errorsGuide());

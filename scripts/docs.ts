import { writeFile } from 'node:fs/promises';
import { apiDocument, bicepResources, errorsGuide, operationsGuide, settingsGuide } from './guides.ts';

await writeFile('docs/settings.md', await settingsGuide());
await writeFile('docs/errors.md', await errorsGuide());
await writeFile('docs/openapi.json', await apiDocument());
await writeFile('infra/resources.json', await bicepResources());
await writeFile('docs/operations.md', await operationsGuide());

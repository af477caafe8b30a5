import { buildFunctions } from './buildFunctions.ts';

const bytes = await buildFunctions();
console.log(`dist/functions.cjs: ${(bytes / 1024 / 1024).toFixed(1)} MB`);

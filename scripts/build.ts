import { buildFunctions } from './buildFunctions.ts';

const { files, packages } = await buildFunctions();
const kilobytes = (bytes: number): string =>
  `${Math.ceil(bytes / 1024).toLocaleString('en')} KB`.padStart(10);

console.log('dist, which Azure runs:');
for (const [file, bytes] of Object.entries(files)) console.log(`${kilobytes(bytes)}  ${file}`);
console.log('functions.cjs holds:');
const largest = Object.entries(packages).toSorted(([, a], [, b]) => b - a);
for (const [name, bytes] of largest.slice(0, 12)) console.log(`${kilobytes(bytes)}  ${name}`);
const rest = largest.slice(12).reduce((sum, [, bytes]) => sum + bytes, 0);
console.log(`${kilobytes(rest)}  ${Math.max(0, largest.length - 12)} others`);

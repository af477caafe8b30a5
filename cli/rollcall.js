#!/usr/bin/env node
// Plain JavaScript: a Node that is too old to read TypeScript gets a sentence that says so.
try {
  await import('../shared/config/supportedNode.js');
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
await import('./main.ts');

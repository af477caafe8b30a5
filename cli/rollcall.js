#!/usr/bin/env node
/*
 * Runs the source in a checkout, and the compiled files in an installed package, where Node reads no TypeScript. Plain
 * JavaScript: a Node that is too old gets a sentence that says so.
 */
import { existsSync } from 'node:fs';

const isCheckout = existsSync(new URL('main.ts', import.meta.url));
try {
  await import(isCheckout ? '../shared/config/supportedNode.js' : './dist/supportedNode.js');
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
await import(isCheckout ? './main.ts' : './dist/packaged.js');

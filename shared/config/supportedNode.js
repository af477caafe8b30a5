/*
 * Throws where Node is older than undici and type stripping of TypeScript require. This file is plain JavaScript,
 * because an older Node cannot read TypeScript. It has to be the first import: imports after a throwing one do not run.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 19))
  throw new Error(`Rollcall needs Node 22.19 or later, and this is Node ${process.versions.node}.`);

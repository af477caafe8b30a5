/*
 * Throws where Node is older than undici and the reading of TypeScript need. Plain JavaScript, since such a Node cannot
 * read anything else, and imported before all else: later imports do not run once one has thrown.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 19))
  throw new Error(`Rollcall needs Node 22.19 or later, and this is Node ${process.versions.node}.`);

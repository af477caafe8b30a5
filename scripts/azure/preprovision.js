// Runs on whatever Node the machine has, before anything is installed: it only checks the version and goes on.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `Node ${process.versions.node} is too old to deploy from: install Node 22.19 or later, then repeat azd up.`,
  );
  process.exitCode = 1;
} else {
  await import('./preprovision.ts');
}

import { spawnSync } from 'node:child_process';

/** The environment variables that name the services to test. */
const variables = {
  Face: 'AZURE_TEST_FACE_ENDPOINT',
  'Service Bus': 'AZURE_TEST_SERVICEBUS',
  storage: 'AZURE_TEST_STORAGE',
};

const given = Object.values(variables).filter((variable) => (process.env[variable] ?? '') !== '');
for (const [service, variable] of Object.entries(variables)) {
  const what = given.includes(variable) ? 'is tested' : `WAS NOT TESTED: ${variable} is not set`;
  console.log(`${service} ${what}`);
}
if (given.length === 0) {
  console.log('Nothing was tested against Azure. docs/deployment.md says how.');
} else {
  // Through the shell, because the command is a script of cmd.exe on Windows.
  const { status } = spawnSync('vitest run --config vitest.azure.config.ts', {
    shell: true,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}

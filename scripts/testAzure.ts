import { spawnSync } from 'node:child_process';

/** What a service has to be given to be tested. */
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
  // By the shell: on Windows the command is a script of cmd.exe.
  const { status } = spawnSync('vitest run --config vitest.azure.config.ts', {
    shell: true,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}

import { faults, importThrough, startFaultyStack } from '../helpers/faultMatrix.ts';

/** How long after a fault of the network every picture of an import is enrolled. */
export async function recovery(): Promise<void> {
  const faulty = await startFaultyStack();
  console.log('seconds from the end of a fault until every picture is enrolled');
  try {
    for (const fault of faults) {
      const { recoveredAfterMs } = await importThrough(faulty, fault);
      const { service, weather } = fault;
      console.log(`  ${service.padEnd(11)} ${weather.padEnd(10)} ${(recoveredAfterMs / 1_000).toFixed(1)}`);
    }
  } finally {
    await faulty.close();
  }
}

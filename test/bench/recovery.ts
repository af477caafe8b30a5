import {
  calm,
  faults,
  faultsOfSeveralInstances,
  importThrough,
  startFaultyStack,
} from '../helpers/faultMatrix.ts';

/** How long after a fault of the network every picture of an import is enrolled. */
export async function recovery(): Promise<void> {
  for (const [instances, met] of [
    [1, faults],
    [4, faultsOfSeveralInstances],
  ] as const) {
    const faulty = await startFaultyStack(instances);
    console.log(`seconds from the end of a fault until every picture is enrolled, ${instances} instance(s)`);
    try {
      for (const fault of [calm, ...met]) {
        const { recoveredAfterMs } = await importThrough(faulty, fault);
        const { service, weather, forMs } = fault;
        const lasted = `${forMs / 1_000} s`;
        console.log(
          `  ${service.padEnd(11)} ${weather.padEnd(10)} ${lasted.padEnd(5)} ${(recoveredAfterMs / 1_000).toFixed(1)}`,
        );
      }
    } finally {
      await faulty.close();
    }
  }
}

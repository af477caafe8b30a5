import { connections } from './resources.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The value of a setting; undefined when the setting is missing or empty. */
export function readConnection(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === '' ? undefined : value;
}

/** @throws Error that says which setting is missing */
export function required(env: Environment, name: string): string {
  const value = readConnection(env, name);
  if (value !== undefined) return value;
  throw new Error(`Settings: ${name} is not set, nor the connection string ${name.split('__', 1)[0]}.`);
}

/** The settings that name the services for access by identity, used where no connection string is set. */
export const identitySettings = {
  blobs: `${connections.storage}__blobServiceUri`,
  queues: `${connections.storage}__queueServiceUri`,
  tables: `${connections.storage}__tableServiceUri`,
  serviceBus: `${connections.serviceBus}__fullyQualifiedNamespace`,
} as const;

/** @throws Error that says which setting is missing */
export function expectConnections(env: Environment): void {
  if (readConnection(env, connections.storage) === undefined)
    for (const name of [identitySettings.tables, identitySettings.blobs, identitySettings.queues])
      required(env, name);
  if (readConnection(env, connections.serviceBus) === undefined) required(env, identitySettings.serviceBus);
}

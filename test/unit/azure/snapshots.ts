import { readFileSync } from 'node:fs';

/* What the Bicep files deploy, as the real compiler evaluates them: `npm run check:bicep` keeps the snapshots true. */

export type Resource = {
  type: string;
  name: string;
  apiVersion: string;
  sku?: { name: string };
  tags?: Record<string, string>;
  properties?: Record<string, unknown>;
};

export const deployments = ['public', 'private', 'zones', 'private-zones'] as const;
export type Deployment = (typeof deployments)[number] | 'events';

type Snapshot = { predictedResources: Resource[]; outputs?: Record<string, string> };

export function readSnapshot(deployment: Deployment): Snapshot {
  return JSON.parse(
    readFileSync(`test/unit/azure/snapshots/${deployment}.snapshot.json`, 'utf8'),
  ) as Snapshot;
}

export function resourcesOf(deployment: Deployment, type?: string): Resource[] {
  const { predictedResources } = readSnapshot(deployment);
  return type === undefined
    ? predictedResources
    : predictedResources.filter((resource) => resource.type === type);
}

/** The one resource of a type whose name ends in this way. */
export function oneOf(deployment: Deployment, type: string, nameEnd = ''): Resource {
  const found = resourcesOf(deployment, type).filter(({ name }) => name.endsWith(nameEnd));
  const [resource] = found;
  if (resource === undefined || found.length > 1)
    throw new Error(`${deployment}: ${found.length} of ${type} …${nameEnd}`);
  return resource;
}

/** The last part of the name of a resource below another one. */
export function lastName({ name }: Resource): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

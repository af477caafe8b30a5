type Description = { name: string; version: string; dependencies: Record<string, string> };
type Locked = {
  dev?: boolean;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
};

/** A package-lock.json of version 3. */
export type Lock = { lockfileVersion: number; packages: Record<string, Locked> };

/** Returns the part of a lock file that the dependencies of `description` need, on every platform. */
export function pruneLock({ lockfileVersion, packages }: Lock, description: Description) {
  const { name, version, dependencies } = description;
  const kept: Record<string, Locked> = { '': { dependencies } };
  const waiting = Object.keys(dependencies).map((dependency) => ({ dependency, from: '' }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const path = findPackage(packages, next.dependency, next.from);
    if (path === undefined || path in kept) continue;
    const { dev: _dev, ...locked } = packages[path] ?? {};
    kept[path] = locked;
    const needs = { ...locked.dependencies, ...locked.optionalDependencies };
    waiting.push(...Object.keys(needs).map((dependency) => ({ dependency, from: path })));
  }
  const sorted = Object.fromEntries(Object.entries(kept).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return { name, version, lockfileVersion, requires: true, packages: sorted };
}

/** Returns the path that the package at `from` resolves `dependency` to: in its own folder, or in one above. */
function findPackage(packages: Lock['packages'], dependency: string, from: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${dependency}`;
    if (path in packages) return path;
    if (folder === '') return undefined;
  }
}

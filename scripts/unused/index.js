'use strict';

/*
 * Stands in for the packages that package.json overrides with it: libraries depend on them for features that Rollcall
 * does not use. Azurite requires the package of its telemetry when it is loaded, so this one can be loaded; the first
 * use of it throws.
 */
module.exports = new Proxy(
  {},
  {
    get(_target, name) {
      throw new Error(
        `${String(name)} belongs to a package that is not installed: see overrides in Rollcall's package.json`,
      );
    },
  },
);

import type { FastifyServerOptions } from 'fastify';

function compile(): never {
  throw new Error('routes of the embedded stack have no schemas');
}

/** Fastify loads the compilers of schemas, two large libraries, unless it is given some. No route here has a schema. */
export const noSchemas: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: { buildValidator: compile, buildSerializer: compile },
};

import type { FastifyServerOptions } from 'fastify';

function compile(): never {
  throw new Error('routes of the embedded stack have no schemas');
}

/**
 * Keeps Fastify from loading its two schema compilers, which are large libraries. The routes of the embedded stack have
 * no schemas.
 */
export const noSchemas: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: { buildValidator: compile, buildSerializer: compile },
};

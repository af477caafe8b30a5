import { RollcallError } from '../errors/errors.ts';
import { toProblem } from './problem.ts';
import type { ApiAnswer, Method, Route } from './route.ts';

/** The methods of a route. A GET route also answers HEAD, without a body. */
export function methodsOf({ method }: Pick<Route, 'method'>): (Method | 'HEAD')[] {
  return method === 'GET' ? ['GET', 'HEAD'] : [method];
}

/** The HTTP methods of an API. One function answers each combination of method and path that no route handles. */
export const allMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * Answers a request that no route handles: an unknown path with 404, OPTIONS with 204 and another method with 405, both
 * with the methods of the path in `Allow`.
 * @throws RollcallError route_not_found
 */
export function answerUnrouted(routes: readonly Route[], method: string, path: string): ApiAnswer {
  const allowed = routes.filter((route) => patternOf(route.path).test(path)).flatMap(methodsOf);
  if (allowed.length === 0) throw new RollcallError('route_not_found');
  const allow = [...allowed, 'OPTIONS'].join(', ');
  if (method === 'OPTIONS') return { status: 204, headers: { allow }, body: undefined };
  const { headers, ...answer } = toProblem(
    new RollcallError('method_not_allowed', `This path answers ${allow}.`),
  );
  return { ...answer, headers: { ...headers, allow } };
}

/** A pattern for the encoded URL paths that fit the template of a route, with or without a slash at the end. */
function patternOf(template: string): RegExp {
  const pattern = template
    .replaceAll('.', String.raw`\.`)
    .replaceAll(/\{\*\w+\}/g, '.+')
    .replaceAll(/\{\w+\}/g, '[^/]+');
  return new RegExp(`^/api/${pattern}/?$`, 's');
}

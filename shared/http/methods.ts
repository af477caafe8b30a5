import { RollcallError } from '../errors/errors.ts';
import { problemOf } from './problem.ts';
import type { ApiAnswer, Method, Route } from './route.ts';

/** What a route answers to: whatever a GET tells, HEAD tells without the body. */
export function methodsOf({ method }: Pick<Route, 'method'>): (Method | 'HEAD')[] {
  return method === 'GET' ? ['GET', 'HEAD'] : [method];
}

/** Every method that HTTP has for an API; what no route takes is answered by one function. */
export const allMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Answers what no route takes: 404 for an unknown path, else OPTIONS, or 405 with the methods that there are. */
export function answerUnrouted(routes: readonly Route[], method: string, path: string): ApiAnswer {
  const allowed = routes.filter((route) => patternOf(route.path).test(path)).flatMap(methodsOf);
  if (allowed.length === 0) throw new RollcallError('route_not_found');
  const allow = [...allowed, 'OPTIONS'].join(', ');
  if (method === 'OPTIONS') return { status: 204, headers: { allow }, body: undefined };
  const { headers, ...answer } = problemOf(
    new RollcallError('method_not_allowed', `This path answers ${allow}.`),
  );
  return { ...answer, headers: { ...headers, allow } };
}

/** A path as it stands in a URL, encoded, with or without a slash at the end. */
function patternOf(template: string): RegExp {
  const pattern = template
    .replaceAll('.', String.raw`\.`)
    .replaceAll(/\{\*\w+\}/g, '.+')
    .replaceAll(/\{\w+\}/g, '[^/]+');
  return new RegExp(`^/api/${pattern}/?$`, 's');
}

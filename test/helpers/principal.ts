import { routes } from '../../shared/http/routes.ts';

/** The value of the principal header, by which App Service authentication says who calls and in which roles. */
export function principalOf(...roles: string[]): string {
  const claims = [{ typ: 'name', val: 'x' }, ...roles.map((val) => ({ typ: 'roles', val }))];
  return Buffer.from(JSON.stringify({ auth_typ: 'aad', claims, role_typ: 'roles' })).toString('base64');
}

/** The routes that not everybody may call. */
export const guardedRoutes = routes.filter(({ access }) => access !== 'open');

/** A path of a route, of things that nobody has. */
export function examplePath(template: string): string {
  return template
    .replace('{group}', 'nowhere')
    .replace('{person}', 'ann')
    .replace('{*image}', '1.jpg')
    .replace('{id}', 'r1')
    .replace('{code}', 'no_face');
}

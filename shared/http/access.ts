import { z } from 'zod';
import { RollcallError } from '../errors.ts';

/**
 * What a route asks of its caller: nothing, any role, or one of them. With function keys, every route but the open
 * ones asks for a key, whatever the role.
 */
export type Access = 'open' | 'any' | 'identify' | 'enroll' | 'admin';

/** The app roles in Microsoft Entra. An administrator may do everything. */
export const appRoles = {
  identify: 'Rollcall.Identify',
  enroll: 'Rollcall.Enroll',
  admin: 'Rollcall.Admin',
} as const;

/** How App Service authentication hands over who called (base64 of JSON); it drops what a caller sends itself. */
export const principalHeader = 'x-ms-client-principal';

const principal = z.object({
  claims: z.array(z.object({ typ: z.string(), val: z.string() })),
  role_typ: z.string().optional(),
});
const roleClaims = ['roles', 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role'];

/**
 * The principal header means something only behind App Service authentication: without it, anyone could write one.
 * @throws Error when the platform does not say that authentication is on
 */
export function expectAuthentication(env: Readonly<Record<string, string | undefined>>): void {
  if (env['WEBSITE_AUTH_ENABLED']?.toLowerCase() === 'true') return;
  throw new Error(
    'Settings: ROLLCALL_AUTH is entra, but App Service authentication is not on (WEBSITE_AUTH_ENABLED is not True).',
  );
}

/** @throws RollcallError not_authenticated, not_allowed */
export function authorize(access: Access, header: string | undefined): void {
  if (access === 'open') return;
  const roles = rolesOf(header);
  const allowed: string[] = access === 'any' ? Object.values(appRoles) : [appRoles[access], appRoles.admin];
  if (!roles.some((role) => allowed.includes(role))) throw new RollcallError('not_allowed');
}

function rolesOf(header: string | undefined): string[] {
  if (header === undefined) throw new RollcallError('not_authenticated');
  const { claims, role_typ: roleType } = readPrincipal(header);
  return claims.filter(({ typ }) => typ === roleType || roleClaims.includes(typ)).map(({ val }) => val);
}

function readPrincipal(header: string): z.output<typeof principal> {
  try {
    return principal.parse(JSON.parse(Buffer.from(header, 'base64').toString('utf8')));
  } catch (error) {
    throw new RollcallError('not_authenticated', undefined, { cause: error });
  }
}

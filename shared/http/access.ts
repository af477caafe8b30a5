import { z } from 'zod';
import { RollcallError } from '../errors/errors.ts';

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

/** `aad`: Microsoft Entra. Another provider, if it is on, may let anybody in and put roles where it likes. */
const principal = z.object({
  auth_typ: z.literal('aad'),
  claims: z.array(z.object({ typ: z.string(), val: z.string() })),
});
/** The short and the long names of claims. What the header calls the claim of the roles is not asked. */
const roleClaims = ['roles', 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role'];
const identityClaims = [
  ['tid', 'http://schemas.microsoft.com/identity/claims/tenantid'],
  ['oid', 'http://schemas.microsoft.com/identity/claims/objectidentifier'],
  ['sub', 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier'],
];

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

/** Tells callers apart. @throws RollcallError not_authenticated */
export function callerOf(header: string | undefined): string {
  const { claims } = readPrincipal(header);
  const values = identityClaims.map((names) => claims.find(({ typ }) => names.includes(typ))?.val ?? '');
  return JSON.stringify(values);
}

function rolesOf(header: string | undefined): string[] {
  const { claims } = readPrincipal(header);
  return claims.filter(({ typ }) => roleClaims.includes(typ)).map(({ val }) => val);
}

function readPrincipal(header: string | undefined): z.output<typeof principal> {
  if (header === undefined) throw new RollcallError('not_authenticated');
  try {
    return principal.parse(JSON.parse(Buffer.from(header, 'base64').toString('utf8')));
  } catch (error) {
    throw new RollcallError('not_authenticated', undefined, { cause: error });
  }
}

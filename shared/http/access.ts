import { z } from 'zod';
import { RollcallError } from '../errors/errors.ts';

/**
 * What a route requires of its caller: nothing (`open`), any app role (`any`), or one app role. With function keys,
 * every route except the open ones requires a key, and roles do not matter.
 */
export type Access = 'open' | 'any' | 'identify' | 'enroll' | 'admin';

/** The app roles in Microsoft Entra. The role `admin` includes the other roles. */
export const appRoles = {
  identify: 'Rollcall.Identify',
  enroll: 'Rollcall.Enroll',
  admin: 'Rollcall.Admin',
} as const;

/**
 * The header in which App Service authentication passes on the caller, as base64 of JSON. App Service removes a header
 * of this name that the caller sent.
 */
export const principalHeader = 'x-ms-client-principal';

/**
 * Only Microsoft Entra (`aad`) is accepted: another enabled identity provider may authenticate anyone and may put roles
 * into any claim.
 */
const principal = z.object({
  auth_typ: z.literal('aad'),
  claims: z.array(z.object({ typ: z.string(), val: z.string() })),
});
/**
 * The short and the long name of the role claim. The name that the header itself gives for the role claim (`role_typ`)
 * is ignored.
 */
const roleClaims = ['roles', 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role'];
const identityClaims = [
  ['tid', 'http://schemas.microsoft.com/identity/claims/tenantid'],
  ['oid', 'http://schemas.microsoft.com/identity/claims/objectidentifier'],
  ['sub', 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier'],
];

/**
 * Checks that App Service authentication is on. Without App Service authentication, any caller could forge the
 * principal header.
 * @throws Error when WEBSITE_AUTH_ENABLED is not true
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

/**
 * Identifies the caller by tenant, object and subject ID.
 * @throws RollcallError not_authenticated
 */
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

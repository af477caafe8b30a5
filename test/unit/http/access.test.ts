import { expect, test } from 'vitest';
import { appRoles, authorize, callerOf } from '../../../shared/http/access.ts';

const long = 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role';
const headerOf = (principal: object) => Buffer.from(JSON.stringify(principal)).toString('base64');
const claim = (typ: string, val: string = appRoles.admin) => ({ typ, val });

test.each(['roles', long])('a role stands in %s', (typ) => {
  expect(() => authorize('admin', headerOf({ auth_typ: 'aad', claims: [claim(typ)] }))).not.toThrow();
});

test.each(['groups', 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name'])(
  'no role stands in %s, though the header says so',
  (typ) => {
    const header = headerOf({ auth_typ: 'aad', role_typ: typ, claims: [claim(typ)] });
    expect(() => authorize('any', header)).toThrow(expect.objectContaining({ code: 'not_allowed' }));
  },
);

test.each(['github', 'facebook', 'AAD', undefined])('a principal of %s is nobody', (auth_typ) => {
  const header = headerOf({ auth_typ, role_typ: 'roles', claims: [claim('roles')] });
  expect(() => authorize('any', header)).toThrow(expect.objectContaining({ code: 'not_authenticated' }));
});

test('callers are told apart by their tenant and object, however the claims are called', () => {
  const of = (...claims: object[]) => callerOf(headerOf({ auth_typ: 'aad', claims }));
  const ids = 'http://schemas.microsoft.com/identity/claims';
  const ann = of(claim('tid', 't'), claim('oid', 'ann'), claim('roles'));
  expect(of(claim(`${ids}/objectidentifier`, 'ann'), claim(`${ids}/tenantid`, 't'))).toBe(ann);
  expect(of(claim('tid', 't'), claim('oid', 'bob'), claim('roles'))).not.toBe(ann);
  expect(of(claim('tid', 'u'), claim('oid', 'ann'), claim('roles'))).not.toBe(ann);
});

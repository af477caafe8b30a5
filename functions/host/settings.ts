import { expectConnections } from '../../shared/config/connections.ts';
import { expectAuthentication } from '../../shared/http/access.ts';
import { appIdentity } from '../../shared/app/identity.ts';
import { readSettings } from '../../shared/config/settings.ts';

/** A bad setting stops the start. */
export const settings = readSettings(process.env);
expectConnections(process.env);
if (settings.ROLLCALL_AUTH === 'entra') expectAuthentication(process.env);

/** Who the app is to Azure's services. */
export const identity = appIdentity();

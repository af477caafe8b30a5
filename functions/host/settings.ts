import { expectConnections } from '../../shared/config/connections.ts';
import { expectAuthentication } from '../../shared/http/access.ts';
import { appIdentity } from '../../shared/app/identity.ts';
import { readSettings } from '../../shared/config/settings.ts';

/** Invalid settings or connections make this module throw, which aborts the start of the app. */
export const settings = readSettings(process.env);
expectConnections(process.env);
if (settings.ROLLCALL_AUTH === 'entra') expectAuthentication(process.env);

/** The identity with which the app authenticates to the Azure services. */
export const identity = appIdentity();

import { connect } from '../shared/clients.ts';
import { expectAuthentication } from '../shared/http/access.ts';
import { appIdentity } from '../shared/identity.ts';
import { createRollcall, type Rollcall } from '../shared/rollcall.ts';
import { readSettings } from '../shared/settings.ts';

/* oxlint-disable no-console -- the Functions host collects what an app writes to the console */

/** A bad setting stops the start. */
export const settings = readSettings(process.env);
if (settings.ROLLCALL_AUTH === 'entra') expectAuthentication(process.env);

/** The app of this process. */
export const rollcall: Rollcall = createApp(process.env);

function createApp(env: NodeJS.ProcessEnv): Rollcall {
  const identity = appIdentity();
  const key = settings.FACE_APIKEY;
  return createRollcall({
    settings,
    clients: connect(env, identity),
    credential: key === undefined ? { identity } : { key },
    log: {
      info: (message) => console.info(message),
      warn: (message) => console.warn(message),
      error: (message) => console.error(message),
    },
  });
}

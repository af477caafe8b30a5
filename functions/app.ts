import { connect } from '../shared/clients.ts';
import { expectAuthentication } from '../shared/http/access.ts';
import { appIdentity } from '../shared/identity.ts';
import { createRollcall, type Rollcall } from '../shared/rollcall.ts';
import { readSettings } from '../shared/settings.ts';
import { logLine } from './logLine.ts';

/* oxlint-disable no-console -- the Functions host collects what an app writes to the console */

/** A bad setting stops the start. */
export const settings = readSettings(process.env);
if (settings.ROLLCALL_AUTH === 'entra') expectAuthentication(process.env);

/** Who the app is to Azure's services. */
export const identity = appIdentity();

/** The app of this process. */
export const rollcall: Rollcall = createApp(process.env);

function createApp(env: NodeJS.ProcessEnv): Rollcall {
  const key = settings.FACE_APIKEY;
  return createRollcall({
    settings,
    clients: connect(env, identity),
    credential: key === undefined ? { identity } : { key },
    log: {
      info: (message) => console.info(logLine('info', message)),
      warn: (message, error) => console.warn(logLine('warn', message, error)),
      error: (message, error) => console.error(logLine('error', message, error)),
    },
  });
}

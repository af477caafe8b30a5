import { connect } from '../../shared/app/clients.ts';
import { createRollcall, type Rollcall } from '../../shared/app/rollcall.ts';
import { logLine } from './logLine.ts';
import { identity, settings } from './settings.ts';

/* oxlint-disable no-console -- the Functions host collects what an app writes to the console */

/** The only pipeline of this process. */
export const rollcall: Rollcall = createRollcall({
  settings,
  clients: connect(process.env, identity),
  credential: settings.FACE_APIKEY === undefined ? { identity } : { key: settings.FACE_APIKEY },
  log: {
    info: (message) => console.info(logLine('info', message)),
    warn: (message, error) => console.warn(logLine('warn', message, error)),
    error: (message, error) => console.error(logLine('error', message, error)),
  },
});

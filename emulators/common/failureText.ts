const longestText = 200;

/**
 * Describes a failed call in one line for the console: its code and its message, with everything removed that may be a
 * secret, a name, a path or an ID. Equal failures give equal texts.
 */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  // A client throws an AggregateError after several attempts: the error of the last attempt is described.
  if (error instanceof AggregateError && error.errors.length > 0) return describeFailure(error.errors.at(-1));
  const message = clean(readMessage(error));
  const code = readCode(error);
  return [code, message]
    .filter((part, index) => part !== '' && (index > 0 || !message.startsWith(part)))
    .join(': ');
}

function readCode(error: Error): string {
  const { code, statusCode } = error as Error & { code?: unknown; statusCode?: unknown };
  if (typeof code === 'string' && code !== '') return code;
  if (typeof statusCode === 'number') return String(statusCode);
  return error.name === 'Error' ? '' : error.name;
}

/**
 * The message of the cause if there is one: the cause of `fetch failed` says what failed. The message of PARSE_ERROR is
 * left out, because it may quote any part of a body.
 */
function readMessage(error: Error): string {
  if (readCode(error) === 'PARSE_ERROR') return '';
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}

/**
 * Patterns and their replacements, applied in this order: a later pattern would take a part of what an earlier pattern
 * matches for something smaller.
 */
const removed: [RegExp, string][] = [
  [/\b\w*(?:key|signature|sig|token|password|secret)\w*=[^\s;,&]+/gi, '<secret>'],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s'"<>]+/gi, '<address>'],
  [/'[^']*'|"[^"]*"|`[^`]*`/g, '<name>'],
  [/(?:\b[a-z]:)?[\\/][^\s:,;)]+/gi, '<path>'],
  // Keys, tokens, hashes and UUIDs: 20 characters or more with a digit, so that words of a language do not match.
  [/(?=[\w+/-]*\d)[\w+/-]{20,}={0,2}/g, '<id>'],
];

function clean(text: string): string {
  const [first = ''] = text.split(/[\r\n]/, 1);
  let cleaned = first;
  for (const [what, instead] of removed) cleaned = cleaned.replace(what, instead);
  // oxlint-disable-next-line no-control-regex -- a console acts on control characters
  cleaned = cleaned.replace(/[\u0000-\u001f\u007f-\u009f]/g, '').trim();
  return cleaned.length > longestText ? `${cleaned.slice(0, longestText)}…` : cleaned;
}

const longestText = 200;

/**
 * What a line of the console may say of a failed call: its code and its message, without what may be a secret, a name,
 * a path or an ID. One line, in which the same failure reads the same each time.
 */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  // What a client throws after several attempts: the last one says enough.
  if (error instanceof AggregateError && error.errors.length > 0) return describeFailure(error.errors.at(-1));
  const message = clean(messageOf(error));
  const code = codeOf(error);
  return [code, message]
    .filter((part, index) => part !== '' && (index > 0 || !message.startsWith(part)))
    .join(': ');
}

function codeOf(error: Error): string {
  const { code, statusCode } = error as Error & { code?: unknown; statusCode?: unknown };
  if (typeof code === 'string' && code !== '') return code;
  if (typeof statusCode === 'number') return String(statusCode);
  return error.name === 'Error' ? '' : error.name;
}

/** Of `fetch failed` its cause says what failed; a body that cannot be read may hold anything. */
function messageOf(error: Error): string {
  if (codeOf(error) === 'PARSE_ERROR') return '';
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}

/** In this order: each takes out what the next ones would take for something smaller. */
const removed: [RegExp, string][] = [
  [/\b\w*(?:key|signature|sig|token|password|secret)\w*=[^\s;,&]+/gi, '<secret>'],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s'"<>]+/gi, '<address>'],
  [/'[^']*'|"[^"]*"|`[^`]*`/g, '<name>'],
  [/(?:\b[a-z]:)?[\\/][^\s:,;)]+/gi, '<path>'],
  // Keys, tokens, hashes, UUIDs: long, and no word of a language.
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

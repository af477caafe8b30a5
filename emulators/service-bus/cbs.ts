import { createHmac, timingSafeEqual } from 'node:crypto';
import { messages, wrap, type AmqpMessage } from './amqp.ts';

/** Checks a shared access signature: `sig` is the HMAC of `sr` and `se` with the key, and the time `se` is not over. */
export function isValidToken(token: unknown, key: string, now: number): boolean {
  if (typeof token !== 'string' || !token.startsWith('SharedAccessSignature ')) return false;
  const raw = new Map(
    token
      .slice('SharedAccessSignature '.length)
      .split('&')
      .map((part): [string, string] => {
        const equals = part.indexOf('=');
        return [part.slice(0, equals), part.slice(equals + 1)];
      }),
  );
  const expiry = raw.get('se') ?? '';
  if (Number(expiry) * 1_000 < now) return false;
  const wanted = createHmac('sha256', key)
    .update(`${raw.get('sr') ?? ''}\n${expiry}`)
    .digest();
  const given = Buffer.from(decodeURIComponent(raw.get('sig') ?? ''), 'base64');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** The encoded answer to a request "put-token". */
export function cbsReply(request: AmqpMessage, accepted: boolean): Buffer {
  return messages.encode({
    correlation_id: request.message_id,
    application_properties: {
      'status-code': wrap.int(accepted ? 202 : 401),
      'status-description': accepted ? 'Accepted' : 'The token is not valid.',
    },
    body: null,
  });
}

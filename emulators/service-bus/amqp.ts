import rhea from 'rhea';

/*
 * The parts of rhea that the broker uses beyond rhea's published types. rhea is made for clients and simple servers,
 * and the conventions of Service Bus need some of its internals. Only this file and `links.ts` know them.
 */

export type AmqpError = { condition: string; description: string };

export type Typed = { type: unknown; value: unknown };

export type RheaDelivery = {
  id: number;
  tag: Buffer;
  link: RheaLink;
  settled: boolean;
  remote_settled: boolean;
  remote_state?: { error?: { condition?: string; info?: unknown } } & Record<string, unknown>;
  update(settled: boolean, state: unknown): void;
};

export type RheaLink = {
  name: string;
  credit: number;
  delivery_count: number;
  issue_flow: boolean;
  source: { address?: string | null; filter?: unknown } | null;
  target: { address?: string | null } | null;
  properties?: Record<string, unknown>;
  session: RheaSession;
  connection: RheaConnection;
  local: { attach: Record<string, unknown> };
  remote: { attach?: Record<string, unknown> };
  _draining: boolean;
  _get_drain(): boolean;
  open(): void;
  close(error?: AmqpError): void;
  is_open(): boolean;
  is_remote_open(): boolean;
  set_source(fields: object): void;
  set_target(fields: object): void;
  send(message: Buffer, tag: Buffer, format: number): RheaDelivery;
  add_credit(credit: number): void;
  on(event: string, listener: (context: RheaContext) => void): void;
};

export type RheaSession = {
  links: Record<string, RheaLink>;
  create_sender(name: string, options?: object): RheaLink;
  on_transfer(frame: {
    performative: { message_format?: number | undefined; handle: number; more?: boolean };
    payload?: Buffer | undefined;
  }): void;
  on(event: string, listener: (context: RheaContext) => void): void;
  connection: RheaConnection;
};

export type RheaConnection = {
  _register(): void;
  close(error?: AmqpError): void;
  on(event: string, listener: (context: RheaContext) => void): void;
};

export type RheaContext = {
  connection: RheaConnection;
  session: RheaSession;
  sender?: RheaLink;
  receiver?: RheaLink;
  delivery?: RheaDelivery;
  message?: unknown;
  format?: number;
};

type TypeTools = {
  Reader: new (buffer: Buffer) => { position: number; remaining(): number; read(): Section };
  Writer: new () => { write(value: unknown): void; toBuffer(): Buffer };
  described(descriptor: unknown, value: unknown): unknown;
  unwrap(value: unknown): unknown;
  unwrap_map_simple(value: unknown): Record<string, unknown>;
} & Record<string, (value: unknown, ...rest: unknown[]) => Typed>;

type MessageTools = {
  encode(message: object): Buffer;
  decode(buffer: Buffer): AmqpMessage;
  accepted(): { described(): unknown };
  rejected(fields: object): { described(): unknown };
  header(fields: object): { described(): unknown };
  data_section(data: Buffer): unknown;
};

export type Section = { descriptor: { value: number }; value: unknown };

/** A decoded message. */
export type AmqpMessage = {
  message_id?: unknown;
  reply_to?: string;
  correlation_id?: unknown;
  group_id?: string;
  durable?: boolean;
  priority?: number;
  ttl?: number;
  first_acquirer?: boolean;
  application_properties?: Record<string, unknown>;
  message_annotations?: Record<string, unknown>;
  body?: unknown;
};

export const types = rhea.types as unknown as TypeTools;
export const messages = rhea.message as unknown as MessageTools;

/** Wraps a value as an AMQP type that JavaScript has no type for. */
export const wrap = {
  long: (value: number) => call('wrap_long', value),
  int: (value: number) => call('wrap_int', value),
  uint: (value: number) => call('wrap_uint', value),
  ulong: (value: number) => call('wrap_ulong', value),
  timestamp: (value: number) => call('wrap_timestamp', value),
  binary: (value: Uint8Array) => call('wrap_binary', Buffer.from(value)),
  uuid: (value: Buffer) => call('wrap_uuid', value),
  symbol: (value: string) => call('wrap_symbol', value),
  symbolicMap: (value: object) => call('wrap_symbolic_map', value),
  array: (values: unknown[], code: number) => call('wrap_array', values, code),
};

/** A map from typed keys and values that alternate. */
export function mapOf(pairs: readonly Typed[]): Typed {
  return call('Map32', [...pairs]);
}

/** The alternating keys, as symbols, and values of an object. */
export function symbolicPairs(values: object): Typed[] {
  return wrap.symbolicMap(values).value as Typed[];
}

function call(name: string, ...args: [unknown, ...unknown[]]): Typed {
  const tool = types[name];
  if (tool === undefined) throw new Error(`rhea has no ${name}`);
  return tool(...args);
}

export const outcomes = {
  accepted: () => messages.accepted().described(),
  rejected: (error: AmqpError) => messages.rejected({ error }).described(),
};

import { randomUUID } from 'node:crypto';
import type { App, CoreLog, LogLevel, RegisteredFunction, TypedData } from './core.ts';

export type InvocationInput = {
  data: TypedData;
  /** Why the function runs, as the real host says it in its log, and what it says of the trigger. */
  reason?: string;
  details?: Record<string, unknown>;
  /** W3C `traceparent` of who calls. */
  traceParent?: string | undefined;
  triggerMetadata?: Record<string, TypedData>;
  retryContext?: { retryCount: number; maxRetryCount: number };
};

export type InvocationResult = { returnValue: TypedData | undefined };

export type Invoke = (registered: RegisteredFunction, input: InvocationInput) => Promise<InvocationResult>;

/** Runs functions as the real worker does: hooks, arguments, handler, response, in its order. */
export function createInvoke(app: App, log: HostLog): Invoke {
  const appHookData = {};
  return async (registered, input) => {
    if (app.model === undefined) throw new Error('the app has no programming model');
    const { name } = registered.metadata;
    const invocationId = randomUUID();
    const startedAt = Date.now();
    const tell = (level: LogLevel, line: string) => log.line(`Function.${name}`, level, line);
    const { reason = 'This function was programmatically called via the host APIs.', details } = input;
    tell('information', `Executing 'Functions.${name}' (Reason='${reason}', Id=${invocationId})`);
    if (details !== undefined) tell('information', `Trigger Details: ${detailsOf(details)}`);
    try {
      const result = await run(app, registered, input, invocationId, appHookData, log);
      const took = Date.now() - startedAt;
      tell('information', `Executed 'Functions.${name}' (Succeeded, Id=${invocationId}, Duration=${took}ms)`);
      return result;
    } catch (error) {
      const took = Date.now() - startedAt;
      tell(
        'error',
        `Executed 'Functions.${name}' (Failed, Id=${invocationId}, Duration=${took}ms): ${labelOf(error)}`,
      );
      throw error;
    }
  };
}

async function run(
  app: App,
  { metadata, callback }: RegisteredFunction,
  input: InvocationInput,
  invocationId: string,
  appHookData: object,
  log: HostLog,
): Promise<InvocationResult> {
  const trigger = triggerOf(metadata.bindings);
  const coreContext = {
    invocationId,
    request: {
      invocationId,
      functionId: metadata.functionId ?? metadata.name,
      inputData: [{ name: trigger.key, data: input.data }],
      triggerMetadata: input.triggerMetadata,
      retryContext: input.retryContext,
      traceContext: input.traceParent === undefined ? {} : { traceParent: input.traceParent },
    },
    metadata: { name: metadata.name, bindings: metadata.bindings },
    state: undefined as string | undefined,
    log: log.forFunction(metadata.name),
  };
  const model = app.model?.getInvocationModel(coreContext);
  if (model === undefined) throw new Error('the app has no programming model');
  const { context, inputs } = await model.getArguments();
  const hookContext: Record<string, unknown> = {
    hookData: {},
    appHookData,
    invocationContext: context,
    inputs,
    functionCallback: callback,
  };
  coreContext.state = 'preInvocationHooks';
  for (const hook of app.hooks.preInvocation) await hook(hookContext);
  coreContext.state = 'invocation';
  try {
    hookContext['result'] = await model.invokeFunction(
      context,
      hookContext['inputs'] as unknown[],
      hookContext['functionCallback'] as typeof callback,
    );
    hookContext['error'] = null;
  } catch (error) {
    hookContext['error'] = error;
  }
  coreContext.state = 'postInvocationHooks';
  for (const hook of app.hooks.postInvocation) await hook(hookContext);
  coreContext.state = undefined;
  if (hookContext['error'] !== null && hookContext['error'] !== undefined) throw hookContext['error'];
  const response = await model.getResponse(context, hookContext['result']);
  return { returnValue: response.returnValue };
}

/** The binding whose type ends in Trigger; its key, not its `name`, is what the library goes by. */
export function triggerOf(bindings: RegisteredFunction['metadata']['bindings']) {
  for (const [key, binding] of Object.entries(bindings)) {
    if (binding.type.toLowerCase().endsWith('trigger')) return { key, binding };
  }
  throw new Error('a function has no trigger');
}

/** As the real host: what the app threw is in the log with its message. */
function labelOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function detailsOf(details: Record<string, unknown>): string {
  const known = Object.entries(details).filter(([, value]) => value !== undefined);
  return known.map(([name, value]) => `${name}: ${String(value)}`).join(', ');
}

export type HostLog = {
  host(level: LogLevel, message: string): void;
  line(category: string, level: LogLevel, message: string): void;
  forFunction(name: string): CoreLog;
};

const levels: readonly LogLevel[] = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'];

/** Lines to stdout, filtered by `logging.logLevel` of host.json: the longest category that fits decides. */
export function createHostLog(logLevel: Record<string, string>, write: (line: string) => void): HostLog {
  const rank = (level: string) => levels.indexOf(level.toLowerCase() as LogLevel);
  const isOn = (category: string, level: LogLevel): boolean => {
    const fitting = Object.keys(logLevel)
      .filter((name) => category === name || category.startsWith(`${name}.`))
      .toSorted((a, b) => b.length - a.length);
    const least = logLevel[fitting[0] ?? 'default'] ?? logLevel['default'] ?? 'Information';
    return rank(level) >= rank(least);
  };
  const line = (category: string, level: LogLevel, message: string) => {
    if (isOn(category, level)) write(`${new Date().toISOString()} ${level} ${message}`);
  };
  return {
    line,
    host: (level, message) => line('Host.Executor', level, message),
    forFunction: (name) => (level, category, message) =>
      line(category === 'user' ? `Function.${name}.User` : `Function.${name}`, level, message),
  };
}

import { randomUUID } from 'node:crypto';
import type { App, LogLevel, RegisteredFunction, TypedData } from './core.ts';
import type { HostLog } from './hostLog.ts';

export type InvocationInput = {
  data: TypedData;
  /** Why the function runs, in the words of the log of the real host. */
  reason?: string;
  /** Details of the trigger for the log. */
  details?: Record<string, unknown>;
  /** W3C `traceparent` of the caller. */
  traceParent?: string | undefined;
  triggerMetadata?: Record<string, TypedData>;
  retryContext?: { retryCount: number; maxRetryCount: number };
};

export type InvocationResult = { returnValue: TypedData | undefined };

export type Invoke = (registered: RegisteredFunction, input: InvocationInput) => Promise<InvocationResult>;

/** Runs functions in the order of the real worker: arguments, hooks, handler, hooks, response. */
export function createInvoke(app: App, log: HostLog): Invoke {
  const appHookData = {};
  return async (registered, input) => {
    if (app.model === undefined) throw new Error('the app has no programming model');
    const { name } = registered.metadata;
    const invocationId = randomUUID();
    const startedAt = Date.now();
    const writeLine = (level: LogLevel, line: string) => log.line(`Function.${name}`, level, line);
    const { reason = 'This function was programmatically called via the host APIs.', details } = input;
    writeLine('information', `Executing 'Functions.${name}' (Reason='${reason}', Id=${invocationId})`);
    if (details !== undefined) writeLine('information', `Trigger Details: ${formatDetails(details)}`);
    try {
      const result = await run(app, registered, input, invocationId, appHookData, log);
      const took = Date.now() - startedAt;
      writeLine(
        'information',
        `Executed 'Functions.${name}' (Succeeded, Id=${invocationId}, Duration=${took}ms)`,
      );
      return result;
    } catch (error) {
      const took = Date.now() - startedAt;
      writeLine(
        'error',
        `Executed 'Functions.${name}' (Failed, Id=${invocationId}, Duration=${took}ms): ${formatError(error)}`,
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
  const trigger = findTrigger(metadata.bindings);
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

/**
 * The binding whose type ends in `Trigger`. The library knows the binding by its key, which may differ from its `name`.
 * @throws Error when the function has no trigger
 */
export function findTrigger(bindings: RegisteredFunction['metadata']['bindings']) {
  for (const [key, binding] of Object.entries(bindings)) {
    if (binding.type.toLowerCase().endsWith('trigger')) return { key, binding };
  }
  throw new Error('a function has no trigger');
}

/** The real host logs the message of an error of the app, too. */
function formatError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function formatDetails(details: Record<string, unknown>): string {
  const known = Object.entries(details).filter(([, value]) => value !== undefined);
  return known.map(([name, value]) => `${name}: ${String(value)}`).join(', ');
}

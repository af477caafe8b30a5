import Module from 'node:module';

/*
 * The package `@azure/functions-core`, which @azure/functions requires. No registry has the package: in Azure the Node
 * worker supplies it, and here this host does. The host therefore runs the same files that Azure runs.
 */

export type Binding = {
  type: string;
  direction: string;
  name?: string;
  properties?: Record<string, string>;
} & Record<string, unknown>;

export type RetryOptions = {
  strategy?: string;
  retryStrategy?: string;
  maxRetryCount: number;
  delayInterval?: { seconds?: number | string };
  minimumInterval?: { seconds?: number | string };
  maximumInterval?: { seconds?: number | string };
};

export type FunctionMetadata = {
  name: string;
  functionId?: string;
  bindings: Record<string, Binding>;
  retryOptions?: RetryOptions;
};

export type FunctionCallback = (...args: unknown[]) => unknown;
export type RegisteredFunction = { metadata: FunctionMetadata; callback: FunctionCallback };

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';
export type CoreLog = (level: LogLevel, category: 'user' | 'system', message: string) => void;

/** One value as the host sends it. The object has exactly one key: the type of the value. */
export type TypedData = Record<string, unknown>;

export type InvocationModel = {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(
    context: unknown,
    result: unknown,
  ): Promise<{ returnValue?: TypedData; outputData?: { name: string; data: TypedData }[] }>;
};

export type ProgrammingModel = {
  name: string;
  version: string;
  getInvocationModel(context: object): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
};

export const hookNames = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const;
export type HookName = (typeof hookNames)[number];
export type HookCallback = (context: Record<string, unknown>) => unknown;

/** The functions and hooks that an app has registered. */
export type App = {
  functions: RegisteredFunction[];
  hooks: Record<HookName, HookCallback[]>;
  model: ProgrammingModel | undefined;
  started: boolean;
};

class Disposable {
  readonly #onDispose: () => void;

  constructor(onDispose: () => void) {
    this.#onDispose = onDispose;
  }

  static from(...disposables: { dispose(): void }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose();
    });
  }

  dispose(): void {
    this.#onDispose();
  }
}

/** The versions of the real worker and host whose behaviour this host follows. */
const workerVersion = '3.12.0';
const hostVersion = '4.1045.0';

type LoadPatch = { _load(request: string, ...rest: unknown[]): unknown };

/**
 * Makes `@azure/functions-core` loadable. Functions and hooks are registered in the returned app. To be called once per
 * process.
 */
export function provideCore(log: CoreLog): App {
  const app: App = {
    functions: [],
    hooks: { appStart: [], appTerminate: [], preInvocation: [], postInvocation: [], log: [] },
    model: undefined,
    started: false,
  };
  const core = {
    version: workerVersion,
    hostVersion,
    Disposable,
    log,
    registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) =>
      registerFunction(app, metadata, callback),
    registerHook: (name: HookName, callback: HookCallback) => registerHook(app, name, callback),
    setProgrammingModel(model: ProgrammingModel) {
      app.model = model;
    },
    getProgrammingModel: () => app.model,
  };
  const loader = Module as unknown as LoadPatch;
  const load = loader._load.bind(loader);
  loader._load = (request, ...rest) => (request === '@azure/functions-core' ? core : load(request, ...rest));
  return app;
}

function registerFunction(app: App, metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
  if (app.started) throw systemError(new Error(`function "${metadata.name}" was registered after the start`));
  if (app.functions.some((known) => known.metadata.name === metadata.name)) {
    throw systemError(new Error(`two functions are called "${metadata.name}"`));
  }
  const registered = { metadata, callback };
  app.functions.push(registered);
  return new Disposable(() => {
    app.functions = app.functions.filter((known) => known !== registered);
  });
}

function registerHook(app: App, name: HookName, callback: HookCallback): Disposable {
  if (!hookNames.includes(name)) throw systemError(new RangeError(`there is no hook "${name}"`));
  app.hooks[name].push(callback);
  return new Disposable(() => {
    app.hooks[name] = app.hooks[name].filter((known) => known !== callback);
  });
}

function systemError<Failure extends Error>(error: Failure): Failure {
  return Object.assign(error, { isAzureFunctionsSystemError: true });
}

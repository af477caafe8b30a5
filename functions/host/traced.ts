import type { FunctionHandler, InvocationContext } from '@azure/functions';
import { SpanKind, type Attributes } from '@opentelemetry/api';
import { z } from 'zod';
import { inSpan, type SpanOptions } from '../../shared/telemetry/spans.ts';

/**
 * Wraps a function so that each call runs in a span of the kind of its trigger, named by the conventions of
 * OpenTelemetry. The span contains no image path and no name of a group or person.
 */
export function traced(handler: FunctionHandler): FunctionHandler {
  return (input, context: InvocationContext) => {
    const { name, ...options } = spanOf(context);
    return inSpan(name, options, async (span) => {
      const result: unknown = await handler(input, context);
      const { status } = result === undefined || result === null ? {} : (result as { status?: number });
      if (status !== undefined) span.setAttribute('http.response.status_code', status);
      return result;
    });
  };
}

const message = z.object({ applicationProperties: z.object({ traceparent: z.string() }) });

function spanOf(context: InvocationContext): SpanOptions & { name: string } {
  const { trigger } = context.options;
  const faas = { 'faas.name': context.functionName, 'faas.invocation_id': context.invocationId };
  switch (trigger.type) {
    case 'httpTrigger': {
      const [method = ''] = [trigger['methods']].flat().map(String);
      const route = `/${String(trigger['route'])}`;
      return {
        name: `${method} ${route}`,
        kind: SpanKind.SERVER,
        attributes: { ...faas, 'faas.trigger': 'http', 'http.request.method': method, 'http.route': route },
        causedBy: context.traceContext?.traceParent,
      };
    }
    case 'serviceBusTrigger':
      return {
        ...process(String(trigger['queueName']), 'servicebus', faas),
        // A message with a traceparent continues the trace of its sender; a message without one starts a new trace.
        causedBy: message.safeParse(context.triggerMetadata).data?.applicationProperties.traceparent,
      };
    case 'blobTrigger':
      return process(String(trigger['path']).split('/', 1)[0] ?? '', 'eventgrid', faas);
    case 'eventGridTrigger':
      return process('deleted', 'eventgrid', faas);
    default:
      return { name: context.functionName, attributes: { ...faas, 'faas.trigger': 'timer' } };
  }
}

function process(destination: string, system: string, faas: Attributes) {
  return {
    name: `process ${destination}`,
    kind: SpanKind.CONSUMER,
    attributes: {
      ...faas,
      'faas.trigger': 'pubsub',
      'messaging.system': system,
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': destination,
    },
  };
}

import { appRoles, type Access } from '../access.ts';
import { tags, type Route } from '../route.ts';
import { createJsonSchemas, type Json, type ToJsonSchema } from './jsonSchemas.ts';
import { requestId, toParameters, toRequestBody } from './request.ts';
import { headers, toResponses } from './responses.ts';

const summary =
  'Turns a storage container into a face enrollment and identification service. ' +
  'Every answer other than a success is a problem (RFC 9457) with a code. ' +
  'Query parameters that an operation does not name are refused; only code, which may hold a function key, is not. ' +
  'Every GET answers HEAD too, and every path answers OPTIONS, with Allow. ' +
  'Another method is 405 (method_not_allowed) with Allow, and an unknown path is 404 (route_not_found). ' +
  'A body without a type counts as application/octet-stream.';

const securitySchemes = {
  key: {
    type: 'apiKey',
    in: 'header',
    name: 'x-functions-key',
    description: 'A function key, where ROLLCALL_AUTH is keys',
  },
  entra: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A token of Microsoft Entra with an app role, where ROLLCALL_AUTH is entra',
  },
} as const;

/** The OpenAPI 3.1 document of the route table. */
export function openApi(routes: readonly Route[]): Json {
  const { named, toJsonSchema } = createJsonSchemas();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = `/api/${route.path.replace('{*', '{')}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: toOperation(route, toJsonSchema) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rollcall',
      version: '0.1.0',
      description: summary,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: { schemas: named, parameters: { RequestId: requestId }, headers, securitySchemes },
  };
}

function toOperation(route: Route, toJsonSchema: ToJsonSchema): Json {
  return {
    operationId: route.name,
    tags: [route.tag],
    summary: route.summary,
    security: toSecurity(route.access),
    parameters: toParameters(route, toJsonSchema),
    ...(route.body !== undefined && { requestBody: toRequestBody(route.body, toJsonSchema) }),
    responses: toResponses(route, toJsonSchema),
  };
}

function toSecurity(access: Access): Json[] {
  if (access === 'open') return [];
  return [{ key: [] }, { entra: access === 'any' ? [] : [appRoles[access]] }];
}

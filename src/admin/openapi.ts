import { z } from 'zod';
import type { Route } from './route.ts';

const Problem = z
  .object({ title: z.string().describe('What is wrong, in words.'), status: z.int() })
  .meta({ id: 'Problem', description: 'RFC 9457.' });

/** `/v1/openapi.json`: the routes in the words of OpenAPI 3.1, whose schemas are JSON Schema. */
export function openApi(routes: readonly Route[], version: string): Route {
  const document = JSON.stringify(describe(routes, version));
  return {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This interface, as OpenAPI 3.1.',
    open: true,
    handle: async (_asked, reply) => reply.type('application/json; charset=utf-8').send(document),
  };
}

function describe(routes: readonly Route[], version: string): object {
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    if (route.answer === undefined) continue;
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] ??= {};
    (paths[path] as Record<string, unknown>)[route.method.toLowerCase()] = operation(route, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'ceilograph',
      version,
      description: 'What an agent shows of itself and its cluster, and what may be asked of it.',
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Only where `admin.token_file` is set.' } },
      schemas,
    },
  };
}

function operation(route: Route, schemas: Record<string, unknown>): object {
  const { answer, problems = {} } = route;
  const content =
    typeof answer === 'string'
      ? { [answer]: {} }
      : { 'application/json': { schema: schemaOf(answer as z.ZodType, schemas, 'output') } };
  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: schemaOf(Problem, schemas, 'output') } },
  });
  return {
    summary: route.summary,
    ...(route.open === true ? { security: [] } : {}),
    parameters: [...pathParameters(route.path), ...queryParameters(route)],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body, schemas, 'input') } } } }),
    responses: {
      200: { description: 'Well.', content },
      ...(route.open === true ? {} : { 401: problem('A valid bearer token is needed.') }),
      ...(route.query === undefined && route.body === undefined
        ? {}
        : { 400: problem('Something in it is wrong; `title` says what.') }),
      ...Object.fromEntries(Object.entries(problems).map(([status, when]) => [status, problem(when)])),
    },
  };
}

function pathParameters(path: string): readonly object[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

function queryParameters({ query }: Route): readonly object[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: 'input' }) as {
    readonly properties?: Readonly<Record<string, { readonly description?: string }>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

/** Shapes with a name stand once under `components`, the others where they are used. */
function schemaOf(shape: z.ZodType, schemas: Record<string, unknown>, io: 'input' | 'output'): object {
  const printed = z.toJSONSchema(shape, { io, target: 'draft-2020-12' }) as Record<string, unknown>;
  const { $defs = {}, $schema: _, ...own } = printed;
  for (const [name, definition] of Object.entries($defs as Record<string, unknown>)) schemas[name] = inComponents(definition);
  const name = own['id'];
  if (typeof name !== 'string') return inComponents(own) as object;
  schemas[name] = inComponents(own);
  return { $ref: `#/components/schemas/${name}` };
}

function inComponents(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(inComponents);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !(key === 'id' && typeof value === 'string'))
      .map(([key, value]) => [
        key,
        key === '$ref' && typeof value === 'string' ? value.replace('#/$defs/', '#/components/schemas/') : inComponents(value),
      ]),
  );
}

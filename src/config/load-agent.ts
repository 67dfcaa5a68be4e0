import { dirname, resolve } from 'node:path';
import { kafkaMissing } from '../lib/kafka-client.ts';
import { isObject, type Json } from '../model/json.ts';
import type { AgentConfig } from './agent-config.ts';
import { readInputs } from './agent-inputs.ts';
import { AgentFile, type AgentFileValues } from './agent-schema.ts';
import { fromVariables, settings } from './agent-settings.ts';
import { toAgentConfig } from './agent-values.ts';
import { parseAt, plain, withoutEmpty } from './explain.ts';
import { ConfigError, type Problem } from './problem.ts';
import { readYamlFile } from './read-file.ts';
import { type Environment, fromFile, resolveReferences, type Secrets } from './references.ts';
import { type Registries, shipped } from './registries.ts';
import { YamlDocument } from './yaml-document.ts';

/** Flags by the path of what they override: `{ 'log.level': 'debug', data_dir: '/var/lib/x' }`. Undefined ones are ignored. */
export type Overrides = Readonly<Record<string, unknown>>;

/** Where a setting came from: `default`, `agent.yaml:3`, `CEILOGRAPH_LOG_LEVEL`, `flag`. */
export type Origins = ReadonlyMap<string, string>;

export interface LoadedAgent {
  readonly config: AgentConfig;
  readonly origins: Origins;
  /** Texts that must not be printed. */
  readonly secrets: Secrets;
}

/** What another product's files give where neither file nor variable nor flag says anything. */
export interface UnderSetting {
  readonly path: string;
  readonly value: unknown;
  readonly origin: string;
}

/** Flag over environment over file over default. Throws a `ConfigError` with everything that is wrong. */
export async function loadAgent(
  file: string | null,
  env: Environment = process.env,
  overrides: Overrides = {},
): Promise<AgentConfig> {
  return (await loadAgentWithOrigins(file, env, overrides)).config;
}

export async function loadAgentWithOrigins(
  file: string | null,
  env: Environment = process.env,
  overrides: Overrides = {},
  registries: Registries = shipped,
  under: readonly UnderSetting[] = [],
): Promise<LoadedAgent> {
  const problems: Problem[] = [];
  const secrets: Secrets = new Set();
  const document = file === null ? nothing() : await readDocument(file, problems);
  if (document === null) throw new ConfigError(problems);
  const written =
    isObject(document.value) || document.value === null ? withoutEmpty(plain(document.value) ?? {}) : plain(document.value);
  const values = isObject(written as Json) ? structuredClone(written as Record<string, unknown>) : null;
  const origins = originsIn(document, file);
  const baseDir = file === null ? process.cwd() : dirname(resolve(file));

  // What does not come from the file is put over it, and remembered: a fault in it is told where it was given, its paths start here.
  const put = (path: string, value: unknown, origin: string) => {
    if (values === null) return;
    assign(values, path.split('.'), value);
    origins.set(path, origin);
  };
  for (const { path, value, origin } of under) {
    const secretStands = path === 'telemetry_secret' && origins.get('telemetry_secret_file') !== 'default';
    if (origins.get(path) === 'default' && !secretStands) put(path, value, origin);
  }
  for (const { setting, value, fault } of await fromVariables(env)) {
    if (fault !== undefined)
      problems.push({ file: setting.variable, line: 0, column: 0, path: setting.path, message: fault, hint: null });
    put(setting.path, value, setting.variable);
    if (setting.secret) put('telemetry_secret_file', undefined, setting.variable);
  }
  for (const [path, value] of Object.entries(overrides)) {
    if (value === undefined) continue;
    if (path !== 'inputs' && !settings.some((setting) => setting.path === path))
      throw new Error(`no setting ${path} to override`);
    put(path, value, 'flag');
  }

  const found: Problem[] = [];
  const context = { env, baseDir, secrets, problems: found };
  const resolved = await resolveReferences(values ?? written, document, [], context);
  const outline = parseAt(AgentFile, resolved, document, [], found);
  const entries = isObject(resolved as Json) ? (resolved as { inputs?: unknown }).inputs : undefined;
  const inputs = readInputs(Array.isArray(entries) ? (entries as Json[]) : [], document, registries, found);
  const lacks = outline !== undefined && typeof outline.topics === 'object' && 'kafka' in outline.topics ? kafkaMissing() : null;
  if (lacks !== null) found.push(document.problem(['topics', 'kafka'], `kafka ${lacks.message}`, lacks.hint, 'key'));
  const secret = outline === undefined ? null : await readSecret(outline, document, baseDir, found);
  if (secret !== null) secrets.add(secret);
  problems.push(...found.map((problem) => atOrigin(problem, origins)));
  if (outline === undefined || problems.length > 0) throw new ConfigError(problems);
  const place = (path: string, text: string) => resolve(isElsewhere(origins.get(path)) ? process.cwd() : baseDir, text);
  return { config: toAgentConfig(outline, inputs, secret, place, baseDir, file), origins, secrets };
}

async function readSecret(
  values: AgentFileValues,
  document: YamlDocument,
  baseDir: string,
  problems: Problem[],
): Promise<string | null> {
  if (values.telemetry_secret_file === undefined) return values.telemetry_secret ?? null;
  const path = ['telemetry_secret_file'];
  if (values.telemetry_secret !== undefined) {
    problems.push(document.problem(path, 'telemetry_secret stands here too, expected one of the two', null, 'key'));
    return null;
  }
  const found = await fromFile(resolve(baseDir, values.telemetry_secret_file));
  if ('value' in found) return found.value;
  problems.push(document.problem(path, found.fault));
  return null;
}

async function readDocument(file: string, problems: Problem[]): Promise<YamlDocument | null> {
  const read = await readYamlFile(file);
  problems.push(...read.problems);
  return read.document;
}

function nothing(): YamlDocument {
  return new YamlDocument('', { value: {}, at: { line: 0, column: 0 }, key: null, children: new Map(), size: 1 });
}

function assign(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [head = '', ...rest] = path;
  if (rest.length === 0) {
    if (value === undefined) delete into[head];
    else into[head] = value;
    return;
  }
  const inner = into[head];
  const next = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? (inner as Record<string, unknown>) : {};
  into[head] = next;
  assign(next, rest, value);
}

function originsIn(document: YamlDocument, file: string | null): Map<string, string> {
  const origins = new Map<string, string>();
  for (const path of ['inputs', 'spooler', ...settings.map((setting) => setting.path)]) {
    let node = document.root;
    for (const step of path.split('.')) {
      const child = node.children?.get(step);
      if (child === undefined || child.value === null) {
        origins.set(path, 'default');
        break;
      }
      node = child;
    }
    if (!origins.has(path)) origins.set(path, `${file}:${(node.key ?? node.at).line}`);
  }
  return origins;
}

const isElsewhere = (origin: string | undefined): boolean =>
  origin === 'flag' || origin?.startsWith('CEILOGRAPH_') === true || isUnder(origin);

/** Of `ceilometer.conf` and its like. */
export const isUnder = (origin: string | undefined): boolean => origin !== undefined && /\.conf:\d+$/.test(origin);

function atOrigin(problem: Problem, origins: Origins): Problem {
  for (const [path, origin] of origins)
    if (isElsewhere(origin) && (problem.path === path || problem.path.startsWith(`${path}.`)))
      return { ...problem, file: origin, line: 0, column: 0 };
  return problem;
}

import { fileURLToPath } from 'node:url';
import type { Converter } from '../core/convert/converter.ts';
import type { AgentConfig } from './agent-config.ts';
import type { CeilometerConf } from './ceilometer/conf.ts';
import { loadCeilometer, loadConf } from './ceilometer/load-ceilometer.ts';
import { formatNote } from './ceilometer/note.ts';
import { Conversions } from './conversions.ts';
import type { DefinitionPaths } from './definitions.ts';
import { livenessSinks } from './liveness-sinks.ts';
import { isUnder, loadAgentWithOrigins, type Origins, type Overrides } from './load-agent.ts';
import { loadPipelines } from './load-pipelines.ts';
import { ConfigError, type Problem } from './problem.ts';
import type { Environment, Secrets } from './references.ts';
import { shipped } from './registries.ts';
import type { SinkConfig } from './sink-config.ts';
import { watchEnvironment } from './unknown-variables.ts';
import type { YamlDialect } from './yaml-scalar.ts';

/** What the commands that run something have in common. */
export interface SetupOptions {
  readonly config?: string;
  readonly pipelines?: string;
  readonly ceilometer?: string;
  readonly dataDir?: string;
}

/** Everything that is configured, read and checked. */
export interface Setup {
  readonly config: AgentConfig;
  readonly sinks: readonly SinkConfig[];
  readonly converter: Converter;
  /** Of everything that says what notifications are converted to: definitions and options. */
  readonly conversionHash: string;
  /** What an operator should be told: what of Ceilometer's files is not as it was, what is odd in definitions. */
  readonly notes: readonly string[];
  readonly origins: Origins;
  readonly secrets: Secrets;
}

/** The definitions that come with the product; the path is the same from `src` and from `dist`. */
export const shippedDefinitions = {
  meters: [fileURLToPath(new URL('../../pipelines/definitions/meters', import.meta.url))],
  events: [fileURLToPath(new URL('../../pipelines/definitions/events', import.meta.url))],
} as const;

/**
 * Agent file, sinks and definitions, as flags, environment and files say. Throws a `ConfigError` with all problems of agent file and sinks, then of
 * definitions. Who loads again hands in the same `conversions`.
 */
export async function loadSetup(
  options: SetupOptions,
  overrides: Overrides = {},
  environment: Environment = process.env,
  conversions = new Conversions(),
): Promise<Setup> {
  const { env, unknown } = watchEnvironment(environment);
  const flags = { pipelines: options.pipelines, data_dir: options.dataDir, ...overrides };
  const conf = options.ceilometer === undefined ? null : await loadConf(options.ceilometer);
  const under = settingsUnder(conf, env);
  const { config, origins, secrets } = await loadAgentWithOrigins(options.config ?? null, env, flags, shipped, under).catch(
    (error: unknown) => {
      throw withConfProblems(error, standing(conf, null));
    },
  );
  const loading = { env, baseDir: config.baseDir, secrets, coordinated: config.coordination.kind !== 'off' };
  if (options.ceilometer === undefined) {
    const sinks = await loadPipelines(config.pipelinesDir, loading);
    const { converter, hash: conversionHash } = await conversions.open(
      pathsOf(config.definitions),
      config.conversion,
      'yaml-1.2',
    );
    return {
      config,
      sinks: withLiveness(config, sinks),
      converter,
      conversionHash,
      notes: [...converter.warnings, ...unknown()],
      origins,
      secrets,
    };
  }
  const theirs = await loadCeilometer(options.ceilometer, loading, conf);
  const refused = standing({ problems: theirs.refused }, origins);
  if (refused.length > 0) throw new ConfigError(refused);
  const definitions = {
    meters: config.definitions.meters.length > 0 ? config.definitions.meters : theirs.definitions.meters,
    events: config.definitions.events.length > 0 ? config.definitions.events : theirs.definitions.events,
  };
  const { converter, hash: conversionHash } = await conversions.open(pathsOf(definitions), config.conversion, 'pyyaml');
  const notes = [...theirs.notes.map(formatNote), ...converter.warnings, ...unknown()];
  return { config, sinks: withLiveness(config, theirs.sinks), converter, conversionHash, notes, origins, secrets };
}

/** The agent's own sinks stand beside those of its files. */
function withLiveness(config: AgentConfig, sinks: readonly SinkConfig[]): readonly SinkConfig[] {
  const own = livenessSinks(config.liveness);
  for (const { sink } of own) {
    const taken = sinks.find((other) => other.sink === sink);
    if (taken === undefined) continue;
    const [, file = taken.origin, line = '1'] = /^(.*):(\d+)$/.exec(taken.origin) ?? [];
    const message = `"${sink}" is the name of a sink of \`liveness\``;
    throw new ConfigError([{ file, line: Number(line), column: 1, path: 'sink', message, hint: 'give it another name' }]);
  }
  return [...sinks, ...own];
}

/** Who says how agents coordinate says where their topics are. */
export function settingsUnder(conf: Pick<CeilometerConf, 'settings'> | null, env: Environment): CeilometerConf['settings'] {
  const given = conf?.settings ?? [];
  if (env['CEILOGRAPH_COORDINATION'] === undefined) return given;
  return given.filter(({ path }) => path !== 'coordination' && path !== 'topics');
}

/** Both at once, so that an operator mends them together. */
function withConfProblems(error: unknown, problems: readonly Problem[]): unknown {
  return error instanceof ConfigError && problems.length > 0 ? new ConfigError([...problems, ...error.problems]) : error;
}

/**
 * The problems of `ceilometer.conf` that still matter: who says in the agent's file or environment how agents coordinate, or where notifications
 * come from, has answered what was asked there.
 */
export function standing(conf: { readonly problems: readonly Problem[] } | null, origins: Origins | null): readonly Problem[] {
  const answered = (path: string) => {
    const origin = origins?.get(path) ?? 'default';
    return origin !== 'default' && !isUnder(origin);
  };
  const coordination = ['coordination.backend_url', 'notification.workload_partitioning'];
  return (conf?.problems ?? []).filter(
    ({ path }) => !(coordination.includes(path) && answered('coordination')) && !(path === 'transport_url' && answered('inputs')),
  );
}

export async function openConverter(
  config: AgentConfig,
  given: AgentConfig['definitions'],
  dialect: YamlDialect = 'yaml-1.2',
): Promise<Converter> {
  return (await new Conversions().open(pathsOf(given), config.conversion, dialect)).converter;
}

/** Those that come with the product, where none are given. */
function pathsOf(given: AgentConfig['definitions']): DefinitionPaths {
  return {
    meters: given.meters.length > 0 ? given.meters : shippedDefinitions.meters,
    events: given.events.length > 0 ? given.events : shippedDefinitions.events,
  };
}

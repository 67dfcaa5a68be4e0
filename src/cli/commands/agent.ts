import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { startAgent } from '../../agent/agent.ts';
import { watchConfiguration } from '../../agent/watch-configuration.ts';
import { onReloadOfParent, parentLeaves, reportAlive, runWorkers, workerIndexVariable } from '../../agent/workers.ts';
import { Conversions } from '../../config/conversions.ts';
import { loadSetup, type Setup, type SetupOptions } from '../../config/load-setup.ts';
import { systemClock } from '../../lib/clock.ts';
import { keepHeapNarrow } from '../../lib/heap-growth.ts';
import { createSigner } from '../../lib/hmac.ts';
import { Fault } from '../../model/faults.ts';
import { createItemCodec } from '../../pipeline/item-codec.ts';
import { createTelemetry } from '../../telemetry/telemetry.ts';
import { ServiceManager } from '../service-manager.ts';
import { version } from '../version.ts';

interface Options extends SetupOptions {
  readonly workers?: string;
  readonly staticId?: string;
  readonly watch?: true;
}

export function agentCommand(): Command {
  return new Command('agent')
    .description(
      'Run an agent: take notifications, compute, publish. SIGTERM drains and leaves; a second one leaves at once. SIGHUP loads the files anew.',
    )
    .option('-c, --config <file>', 'the agent file (without it: environment and defaults)')
    .option('--ceilometer <dir>', "run Ceilometer's own pipeline.yaml, event_pipeline.yaml and definitions from this folder")
    .option('--pipelines <dir>', 'the folder of the sinks')
    .option('--data-dir <dir>', 'where topics, state and held outputs live')
    .option('--workers <n>', 'processes on this machine, sharing the partitions')
    .option('--static-id <name>', 'a name that stays the same over restarts')
    .option('--watch', 'take up the files whenever they change, as SIGHUP does')
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph agent -c /etc/ceilograph/agent.yaml\n  ceilograph agent -c agent.yaml --workers 4\n',
    )
    .action(async (options: Options) => {
      const variable = process.env[workerIndexVariable];
      const worker = variable === undefined ? null : Number(variable);
      const flags = {
        'agent.workers': options.workers === undefined ? undefined : Number(options.workers),
        'agent.static_id': options.staticId,
        'agent.watch': options.watch,
      };
      const conversions = new Conversions();
      const load = async () => asWorker(await loadSetup(options, flags, process.env, conversions), worker);
      const setup = await load();
      // Of several workers the parent has said it.
      if (worker === null) for (const note of setup.notes) process.stderr.write(`${note}\n`);
      try {
        if (setup.config.agent.workers > 1 && worker === null) await parent(setup);
        else await one(setup, worker, load, [options.config, options.ceilometer]);
      } finally {
        // Everything is closed, or was named as hanging. What still holds the process a second later must not keep it.
        setTimeout(() => process.exit(), 1_000).unref();
      }
    });
}

/** Each of several workers has its own name and port: it speaks for itself. */
function asWorker(setup: Setup, worker: number | null): Setup {
  if (worker === null) return setup;
  const { agent, admin } = setup.config;
  const staticId = agent.staticId === null ? null : `${agent.staticId}-${worker}`;
  const listen = admin.listen === null ? null : { ...admin.listen, port: portOf(admin.listen.port, worker) };
  return { ...setup, config: { ...setup.config, agent: { ...agent, staticId }, admin: { ...admin, listen } } };
}

async function parent(setup: Setup): Promise<void> {
  const { config } = setup;
  const telemetry = createTelemetry({ level: config.log.level, agent: 'parent' });
  const soft = new AbortController();
  const hard = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => (soft.signal.aborted ? hard : soft).abort(new Error(signal)));
  }
  const tellers = new Set<() => void>();
  process.on('SIGHUP', () => {
    for (const tell of tellers) tell();
  });
  const manager = new ServiceManager(process.env, systemClock);
  soft.signal.addEventListener('abort', () => void manager.stopping(), { once: true });
  const over = new AbortController();
  const telling = manager.ready().then(() => manager.keepTelling(over.signal));
  telling.catch((error: unknown) => soft.abort(error));
  const working = runWorkers(
    {
      count: config.agent.workers,
      entry: fileURLToPath(new URL('../main.js', import.meta.url)),
      argv: process.argv.slice(2),
      silentMs: 2 * config.timing.leaseTtlMs,
      clock: systemClock,
      emit: telemetry.emit,
      onReload: (tell) => {
        tellers.add(tell);
        return () => tellers.delete(tell);
      },
    },
    { soft: soft.signal, hard: hard.signal },
  );
  await working.finally(() => over.abort(new Error('the workers have ended')));
  await telling;
  if (hard.signal.aborted) process.exitCode = 1;
}

async function one(
  setup: Setup,
  worker: number | null,
  load: () => Promise<Setup>,
  files: readonly (string | undefined)[],
): Promise<void> {
  const { config } = setup;
  keepHeapNarrow(config.liveness !== null);
  const telemetry = createTelemetry({ level: config.log.level, agent: config.agent.staticId ?? String(process.pid) });
  const alive = new AbortController();
  const reporting = reportAlive(systemClock, alive.signal);
  let reason: unknown;
  try {
    const agent = await startAgent({
      config,
      sinks: setup.sinks,
      converter: setup.converter,
      conversionHash: setup.conversionHash,
      load,
      codec: createItemCodec(createSigner(config.telemetrySecret ?? '')),
      emit: telemetry.emit,
      scrape: telemetry.scrape,
      clock: systemClock,
      random: Math.random,
      version: version(),
      exclusiveInputs: worker === null || worker === 0,
    });
    const reload = () => void agent.reload();
    process.on('SIGHUP', reload);
    onReloadOfParent(reload);
    if (config.agent.watch) void watchConfiguration(() => filesOf(config, files), systemClock, alive.signal, reload);
    const manager = worker === null ? new ServiceManager(process.env, systemClock) : null;
    const leaving = Promise.race([signalled(), parentLeaves(), agent.failed]);
    const told = Promise.race([leaving, ...(manager === null ? [] : [manager.ready().then(() => leaving)])]);
    const telling = manager?.keepTelling(alive.signal);
    reason = await told.catch((error: unknown) => error);
    await manager?.stopping();
    await agent.stop(reason instanceof Error ? reason.message : String(reason));
    alive.abort(new Error('stopped'));
    await telling;
  } finally {
    alive.abort(new Error('stopped'));
    await reporting;
    if (process.connected) process.disconnect?.();
  }
  // Whoever read our output went away: an ordinary end of a pipe, not a failure.
  const pipeClosed = reason instanceof Fault && reason.code === 'stdout_closed';
  if (reason instanceof Error && !pipeClosed) throw reason;
}

function filesOf({ pipelinesDir, definitions }: Setup['config'], files: readonly (string | undefined)[]): readonly string[] {
  return [...files.flatMap((file) => file ?? []), pipelinesDir, ...definitions.meters, ...definitions.events];
}

/** Port 0 is any free one, for every worker. */
function portOf(first: number, worker: number): number {
  return first === 0 ? 0 : first + worker;
}

/** The first signal asks us to leave; a second one, at once. */
function signalled(): Promise<string> {
  return new Promise((resolve) => {
    let signals = 0;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        signals += 1;
        if (signals > 1) process.exit(1);
        resolve(signal);
      });
    }
  });
}

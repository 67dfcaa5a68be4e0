import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { startAgent } from '../../agent/agent.ts';
import { parentLeaves, reportAlive, runWorkers, workerIndexVariable } from '../../agent/workers.ts';
import { loadSetup, type Setup, type SetupOptions } from '../../config/load-setup.ts';
import { systemClock } from '../../lib/clock.ts';
import { createSigner } from '../../lib/hmac.ts';
import { Fault } from '../../model/faults.ts';
import { createItemCodec } from '../../pipeline/item-codec.ts';
import { createTelemetry } from '../../telemetry/telemetry.ts';
import { ServiceManager } from '../service-manager.ts';
import { version } from '../version.ts';

interface Options extends SetupOptions {
  readonly workers?: string;
  readonly staticId?: string;
}

export function agentCommand(): Command {
  return new Command('agent')
    .description('Run an agent: take notifications, compute, publish. SIGTERM drains and leaves; a second one leaves at once.')
    .option('-c, --config <file>', 'the agent file (without it: environment and defaults)')
    .option('--ceilometer <dir>', "run Ceilometer's own pipeline.yaml, event_pipeline.yaml and definitions from this folder")
    .option('--pipelines <dir>', 'the folder of the sinks')
    .option('--data-dir <dir>', 'where topics, state and held outputs live')
    .option('--workers <n>', 'processes on this machine, sharing the partitions')
    .option('--static-id <name>', 'a name that stays the same over restarts')
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph agent -c /etc/ceilograph/agent.yaml\n  ceilograph agent -c agent.yaml --workers 4\n',
    )
    .action(async (options: Options) => {
      const setup = await loadSetup(options, {
        'agent.workers': options.workers === undefined ? undefined : Number(options.workers),
        'agent.static_id': options.staticId,
      });
      const worker = process.env[workerIndexVariable];
      // Of several workers the parent has said it.
      if (worker === undefined) for (const note of setup.notes) process.stderr.write(`${note}\n`);
      try {
        if (setup.config.agent.workers > 1 && worker === undefined) await parent(setup);
        else await one(setup, worker === undefined ? null : Number(worker));
      } finally {
        // Everything is closed, or was named as hanging. What still holds the process a second later must not keep it.
        setTimeout(() => process.exit(), 1_000).unref();
      }
    });
}

async function parent(setup: Setup): Promise<void> {
  const { config } = setup;
  const telemetry = createTelemetry({ level: config.log.level, agent: 'parent' });
  const soft = new AbortController();
  const hard = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => (soft.signal.aborted ? hard : soft).abort(new Error(signal)));
  }
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
    },
    { soft: soft.signal, hard: hard.signal },
  );
  await working.finally(() => over.abort(new Error('the workers have ended')));
  await telling;
  if (hard.signal.aborted) process.exitCode = 1;
}

async function one(setup: Setup, worker: number | null): Promise<void> {
  const { config } = setup;
  const telemetry = createTelemetry({ level: config.log.level, agent: config.agent.staticId ?? String(process.pid) });
  const staticId =
    worker === null || config.agent.staticId === null ? config.agent.staticId : `${config.agent.staticId}-${worker}`;
  const { admin } = config;
  // Each process speaks for itself, so each has a port.
  const listen =
    admin.listen === null || worker === null ? admin.listen : { ...admin.listen, port: portOf(admin.listen.port, worker) };
  const alive = new AbortController();
  const reporting = reportAlive(systemClock, alive.signal);
  let reason: unknown;
  try {
    const agent = await startAgent({
      config: { ...config, agent: { ...config.agent, staticId }, admin: { ...admin, listen } },
      sinks: setup.sinks,
      converter: setup.converter,
      codec: createItemCodec(createSigner(config.telemetrySecret ?? '')),
      emit: telemetry.emit,
      scrape: telemetry.scrape,
      clock: systemClock,
      random: Math.random,
      version: version(),
      exclusiveInputs: worker === null || worker === 0,
    });
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

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Overview } from '../../admin/overview.ts';
import { readClusterView } from '../../agent/cluster-view.ts';
import { overviewOf } from '../../agent/overview.ts';
import { openPlaces } from '../../agent/places.ts';
import { Rates } from '../../agent/rates.ts';
import { loadAgent } from '../../config/load-agent.ts';
import { systemClock } from '../../lib/clock.ts';
import { DeadLetters } from '../../pipeline/dead-letters.ts';
import { CliFailure } from '../failure.ts';
import { topTable } from '../top-table.ts';

interface Options {
  readonly config?: string;
  readonly dataDir?: string;
  readonly interval: string;
  readonly times?: string;
  readonly json?: true;
}

export function topCommand(): Command {
  return new Command('top')
    .description(
      'Agents, sinks, targets and the fullest partitions, with rates, live. On a terminal drawn in place (Ctrl-C ends it); elsewhere one table after the other.',
    )
    .option('-c, --config <file>', 'the agent file whose cluster to look at')
    .option('--data-dir <dir>', 'the data directory, where the agent file does not name it')
    .option('--interval <seconds>', 'between two looks', '2')
    .option('--times <n>', 'end after so many looks; rates are known from the second on')
    .option('--json', 'one JSON object a look: what `GET /v1/overview` answers')
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph top -c /etc/ceilograph/agent.yaml\n  ceilograph top --data-dir var --times 2 --json\n',
    )
    .action(top);
}

async function top(options: Options): Promise<void> {
  const interval = Number(options.interval);
  const times = options.times === undefined ? Number.POSITIVE_INFINITY : Number(options.times);
  if (!(interval >= 0.1)) throw new CliFailure(`--interval ${options.interval}: expected a number from 0.1`, 2);
  if (!(times >= 1)) throw new CliFailure(`--times ${options.times}: expected a number from 1`, 2);
  const config = await loadAgent(options.config ?? null, process.env, { data_dir: options.dataDir });
  if (config.coordination.kind === 'off' && !existsSync(join(config.dataDir, 'state')))
    throw new CliFailure(`no agent has run on ${config.dataDir} yet`);
  const over = new AbortController();
  process.once('SIGINT', () => over.abort(new Error('SIGINT')));
  const places = await openPlaces({ config, clock: systemClock, random: Math.random, emit: () => undefined });
  const deadLetters = await DeadLetters.open({ directory: join(config.dataDir, 'dead-letters'), clock: systemClock });
  const rates = new Rates();
  const screen = new Screen(process.stdout);
  try {
    for (let n = 1; !over.signal.aborted; n++) {
      const view = await readClusterView(places, config.cluster, deadLetters.stats());
      rates.look(view.members);
      const overview = overviewOf({
        ...{ view, rates, at: systemClock.now(), cluster: config.cluster, mail: null, spool: null },
        servedBy: { agent: 'top', boot: '', build: '', reason: null },
      });
      if (options.json === true) process.stdout.write(`${JSON.stringify(overview)}\n`);
      else screen.show(overview);
      if (n >= times) return;
      await systemClock.sleep(interval * 1_000, over.signal).catch(() => undefined); // Ctrl-C
    }
  } finally {
    await deadLetters.close();
    await places.close();
  }
}

class Screen {
  readonly #out: NodeJS.WriteStream;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  show(overview: Overview): void {
    if (this.#out.isTTY !== true) {
      this.#out.write(`${topTable(overview, Number.POSITIVE_INFINITY, 200).join('\n')}\n\n`);
      return;
    }
    const { rows = 24, columns = 80 } = this.#out;
    // Home, each line to its end, and what is below: no flicker.
    const lines = topTable(overview, rows - 1, columns);
    this.#out.write(`\u001b[H${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
  }
}

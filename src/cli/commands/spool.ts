import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import type { AgentConfig } from '../../config/agent-config.ts';
import { loadAgent } from '../../config/load-agent.ts';
import { readEntry, uuidOf } from '../../core/spool/entry.ts';
import { systemClock } from '../../lib/clock.ts';
import { printJson } from '../../model/json-text.ts';
import { openSpoolPlace, type SpoolPlace } from '../../services/spooler/spool-place.ts';
import { CliFailure } from '../failure.ts';
import { spoolCheckCommand } from './spool-check.ts';
import { readStatusOf, type SpoolOptions } from './spool-status.ts';

export function spoolCommand(): Command {
  const command = new Command('spool').description(
    'Notifications between sites: what waits, who is connected, what to do about it.',
  );
  command
    .command('list')
    .description('Connections, counts, and what waits to be sent, is deferred or corrupted.')
    .option('--limit <n>', 'at most so many notifications', '20')
    .action((options: SpoolOptions & { readonly limit: string }) =>
      withPlace(options, (place, config) => list(place, config, options)),
    );
  command
    .command('show')
    .description('One notification that waits, as JSON; or a corrupted one as it was, by its number.')
    .argument('<id>', 'its id, or corrupted:<number>')
    .action((id: string, options: SpoolOptions) => withPlace(options, (place) => show(place, id)));
  command
    .command('act')
    .description('retry: send what is deferred now. drop: remove a notification for good.')
    .argument('<what>', 'retry or drop')
    .argument('[id]', 'for drop: its id, or corrupted:<number>')
    .action((what: string, id: string | undefined, options: SpoolOptions) => withPlace(options, (place) => act(place, what, id)));
  command.addCommand(spoolCheckCommand());
  for (const each of command.commands)
    each
      .option('-c, --config <file>', 'the agent file whose data directory to look at')
      .option('--data-dir <dir>', 'the data directory itself')
      .option('--json', 'as JSON');
  return command.addHelpText(
    'after',
    '\nExamples:\n  ceilograph spool list -c /etc/ceilograph/agent.yaml\n  ceilograph spool check --data-dir var --expect east\n',
  );
}

async function withPlace(
  options: SpoolOptions,
  action: (place: SpoolPlace, config: AgentConfig) => Promise<void>,
): Promise<void> {
  const config = await loadAgent(options.config ?? null, process.env, { data_dir: options.dataDir });
  const made = await readFile(join(config.dataDir, 'spool/data.mdb')).then(
    () => true,
    () => false,
  );
  if (!made) throw new CliFailure(`nothing was ever spooled below ${config.dataDir}`);
  const place = await openSpoolPlace({ dataDir: config.dataDir, clock: systemClock });
  try {
    await action(place, config);
  } finally {
    await place.close();
  }
}

async function list(place: SpoolPlace, config: AgentConfig, options: SpoolOptions & { readonly limit: string }): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 0) throw new CliFailure('--limit wants a whole number', 2);
  const status = await readStatusOf(config);
  const waiting = [];
  for (const { state, lane, row, retryAtMs } of place.spool.list()) {
    if (waiting.length >= limit) break;
    waiting.push({ id: uuidOf(row.entry) ?? '', state, sink: lane, atMs: row.atMs, bytes: row.entry.length, retryAtMs });
  }
  const corrupted = place.corrupted
    .list()
    .slice(0, limit)
    .map(({ text: _, ...row }) => row);
  const stats = { ...place.spool.stats(), corrupted: place.corrupted.stats() };
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ status, stats, arrived: place.arrivals.count(), waiting, corrupted })}\n`);
    return;
  }
  const time = (ms: number) => new Date(ms).toISOString();
  const lines = [
    `new ${stats.new.count}  deferred ${stats.deferred.count}  corrupted ${stats.corrupted.count}  arrived ${place.arrivals.count()}`,
  ];
  for (const each of status?.connections ?? [])
    lines.push(
      `${each.type} ${each.peer ?? '-'} ${each.address}  ${each.state}  sent ${each.sent}  received ${each.received}  pending ${each.pending}`,
    );
  for (const each of waiting)
    lines.push(
      `${each.id}  ${each.state}${each.sink === '' ? '' : ` for ${each.sink}`}  since ${time(each.atMs)}  ${each.bytes} bytes`,
    );
  for (const each of corrupted) lines.push(`corrupted:${each.seq}  ${each.origin}  ${each.reason}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function show(place: SpoolPlace, id: string): Promise<void> {
  const number = corruptedNumber(id);
  if (number !== undefined) {
    const found = place.corrupted.list().find((row) => row.seq === number);
    if (found === undefined) throw new CliFailure(`there is no ${id}`);
    process.stdout.write(`${JSON.stringify(found)}\n`);
    return;
  }
  const found = find(place, id);
  if (found === undefined) throw new CliFailure(`nothing with the id ${id} waits`);
  process.stdout.write(`${printJson(readEntry(found.row.entry).record)}\n`);
}

async function act(place: SpoolPlace, what: string, id: string | undefined): Promise<void> {
  if (what === 'retry') {
    const count = await place.spool.retryDue(true);
    process.stderr.write(`${count} deferred notifications are sent again\n`);
    return;
  }
  if (what !== 'drop' || id === undefined) throw new CliFailure('expected: act retry, or act drop <id>', 2);
  const number = corruptedNumber(id);
  const found = number === undefined ? find(place, id) : undefined;
  const dropped =
    number !== undefined
      ? await place.corrupted.drop(number)
      : found !== undefined && (await place.spool.drop(found.lane, found.row.seq, found.state));
  if (!dropped) throw new CliFailure(`nothing with the id ${id} waits`);
  process.stderr.write(`${id} is dropped\n`);
}

function find(place: SpoolPlace, id: string) {
  for (const each of place.spool.list()) if (uuidOf(each.row.entry) === id) return each;
  return undefined;
}

function corruptedNumber(id: string): number | undefined {
  const found = /^corrupted:(\d+)$/.exec(id);
  return found === null ? undefined : Number(found[1]);
}

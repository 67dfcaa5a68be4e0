import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { type HostsView, type HostView, maintainHost, readHosts, silenceHosts } from '../../agent/hosts-view.ts';
import { openPlaces, type Places } from '../../agent/places.ts';
import type { AgentConfig } from '../../config/agent-config.ts';
import { loadAgent } from '../../config/load-agent.ts';
import { statusWords } from '../../core/liveness/host-state.ts';
import { compileGlob } from '../../core/python/glob.ts';
import { duration } from '../../core/transformers/duration.ts';
import { systemClock } from '../../lib/clock.ts';
import { CliFailure } from '../failure.ts';

interface Common {
  readonly config?: string;
  readonly dataDir?: string;
  readonly json?: true;
}

const examples = `
Examples:
  ceilograph hosts list -c /etc/ceilograph/agent.yaml --status problem
  ceilograph hosts show web1 -c agent.yaml
  ceilograph hosts silence 'web*' --for 2h --comment 'new kernel' -c agent.yaml
  ceilograph hosts maintain web1 --for 30m -c agent.yaml
`;

export function hostsCommand(): Command {
  const hosts = new Command('hosts').description(
    'Hosts that are expected to report: who is late, why, and what to keep quiet about.',
  );
  common(hosts.command('list').description('Every host with its status.'))
    .option('--status <status>', Object.values(statusWords).join(', '))
    .option('--group <name>', 'of one group')
    .action(list);
  common(
    hosts.command('show').description('One host: its services and triggers.').argument('<host>', 'its name in the inventory'),
  ).action(show);
  common(
    hosts
      .command('silence')
      .description('Tell nobody of what happens to these hosts; what lasts is told when the silence is over.')
      .argument('[match]', "host names as a glob, or 'group:' and a glob of groups; without it: the silences there are"),
  )
    .option('--for <duration>', 'how long: 90s, 30m, 2h, 1d')
    .option('--author <name>', 'who asks for it (default: the user of this process)')
    .option('--comment <text>', 'why', '')
    .option('--end <id>', 'end this silence now')
    .action(silence);
  common(
    hosts
      .command('maintain')
      .description('Put a host into maintenance: nothing of it is judged, and everything has its whole time when it is over.')
      .argument('<host>', 'its name in the inventory'),
  )
    .option('--for <duration>', 'how long: 90s, 30m, 2h, 1d')
    .option('--end', 'end it now')
    .action(maintain);
  return hosts.addHelpText('after', examples);
}

function common(command: Command): Command {
  return command
    .option('-c, --config <file>', 'the agent file')
    .option('--data-dir <dir>', 'the data directory, where the agent file does not name it')
    .option('--json', 'one JSON value');
}

async function list(options: Common & { readonly status?: string; readonly group?: string }): Promise<void> {
  const words: readonly string[] = Object.values(statusWords);
  if (options.status !== undefined && !words.includes(options.status))
    throw new CliFailure(`--status ${options.status}: expected one of ${words.join(', ')}`, 2);
  const view = await look(options);
  const hosts = view.hosts.filter(
    ({ status, groups }) =>
      (options.status === undefined || status === options.status) &&
      (options.group === undefined || groups.includes(options.group)),
  );
  process.stdout.write(options.json === true ? `${JSON.stringify({ version: 1, hosts })}\n` : hosts.map(line).join(''));
}

function line({ host, status, since, reason, told }: HostView): string {
  return `${host.padEnd(32)} ${status.padEnd(12)} ${since.slice(0, 19).replace('T', ' ')}  ${reason}${told === null ? '' : `  (${told})`}\n`;
}

async function show(name: string, options: Common): Promise<void> {
  const found = (await look(options)).hosts.find(({ host }) => host === name);
  if (found === undefined) throw new CliFailure(`there is no host "${name}"`, 1);
  process.stdout.write(options.json === true ? `${JSON.stringify(found)}\n` : text(found));
}

function text(view: HostView): string {
  const lines = [
    `${view.host}  ${view.status} since ${view.since} (${view.reason})`,
    ...(view.address === '' ? [] : [`address ${view.address}`]),
    ...(view.groups.length === 0 ? [] : [`groups ${view.groups.join(', ')}`]),
    ...(view.parents.length === 0 ? [] : [`parents ${view.parents.join(', ')}`]),
    ...(view.incident === null ? [] : [`incident ${view.incident}${view.told === null ? '' : ` (${view.told})`}`]),
    ...(view.flapping ? ['goes to and fro'] : []),
    ...(view.maintainedUntil === null ? [] : [`in maintenance until ${view.maintainedUntil}`]),
  ];
  for (const { service, intervalSeconds, toleranceSeconds, silentSeconds, lateSince } of view.services) {
    const last = silentSeconds === null ? 'never reported' : `reported ${silentSeconds} s ago`;
    const late = lateSince === null ? '' : `  LATE since ${lateSince}`;
    lines.push(`  ${service.padEnd(24)} every ${intervalSeconds} s + ${toleranceSeconds} s  ${last}${late}`);
  }
  for (const { trigger, severity, firedSince } of view.triggers)
    lines.push(`  ${trigger.padEnd(24)} ${severity}  ${firedSince === null ? 'quiet' : `FIRED since ${firedSince}`}`);
  return `${lines.join('\n')}\n`;
}

interface SilenceOptions extends Common {
  readonly for?: string;
  readonly author?: string;
  readonly comment: string;
  readonly end?: string;
}

async function silence(match: string | undefined, options: SilenceOptions): Promise<void> {
  if (match === undefined && options.end === undefined) {
    const { silences } = await look(options);
    const rows = silences.map(
      ({ id, match: of, author, until, comment }) => `${id}  ${of}  until ${time(until)}  ${author}  ${comment}\n`,
    );
    process.stdout.write(options.json === true ? `${JSON.stringify({ version: 1, silences })}\n` : rows.join(''));
    return;
  }
  const now = systemClock.now();
  const author = options.author ?? userInfo().username;
  await withPlaces(options, async (places, config) => {
    const known = (await readHosts(places, config.cluster)).silences.find(({ id }) => id === options.end);
    if (options.end !== undefined && known === undefined) throw new CliFailure(`there is no silence "${options.end}"`, 1);
    const wanted =
      known === undefined
        ? {
            id: randomUUID().slice(0, 8),
            match: checked(match ?? ''),
            author,
            comment: options.comment,
            from: now,
            until: now + lasting(options.for),
          }
        : { ...known, until: now };
    await silenceHosts(places, config.cluster, wanted, systemClock, randomUUID());
    const said = known === undefined ? `silence ${wanted.id} until ${time(wanted.until)}` : `silence ${wanted.id} is over`;
    process.stdout.write(options.json === true ? `${JSON.stringify(wanted)}\n` : `${said}\n`);
  });
}

function checked(match: string): string {
  compileGlob(match);
  return match;
}

function time(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

async function maintain(host: string, options: Common & { readonly for?: string; readonly end?: true }): Promise<void> {
  const until = options.end === true ? 0 : systemClock.now() + lasting(options.for);
  await withPlaces(options, async (places, config) => {
    if (!(await readHosts(places, config.cluster)).hosts.some((each) => each.host === host))
      throw new CliFailure(`there is no host "${host}"`, 1);
    await maintainHost(places, config.cluster, host, until, systemClock, randomUUID());
    const said = until === 0 ? `${host}: the maintenance is over` : `${host}: maintenance until ${time(until)}`;
    process.stdout.write(options.json === true ? `${JSON.stringify({ host, until })}\n` : `${said}\n`);
  });
}

function lasting(written: string | undefined): number {
  const parsed = duration.safeParse(written);
  if (!parsed.success || parsed.data <= 0)
    throw new CliFailure(`--for ${written ?? '(missing)'}: expected a duration such as 90s, 30m, 2h or 1d`, 2);
  return parsed.data;
}

function look(options: Common): Promise<HostsView> {
  return withPlaces(options, (places, config) => readHosts(places, config.cluster));
}

async function withPlaces<T>(options: Common, act: (places: Places, config: AgentConfig) => Promise<T>): Promise<T> {
  const config = await loadAgent(options.config ?? null, process.env, { data_dir: options.dataDir });
  if (config.coordination.kind === 'off' && !existsSync(join(config.dataDir, 'state')))
    throw new CliFailure(`no agent has run on ${config.dataDir} yet`, 1);
  const places = await openPlaces({ config, clock: systemClock, random: Math.random, emit: () => undefined });
  try {
    return await act(places, config);
  } finally {
    await places.close();
  }
}

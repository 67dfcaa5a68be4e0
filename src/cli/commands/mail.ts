import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { mailDirectory, toQueueConfig } from '../../agent/open-mail.ts';
import type { AgentConfig } from '../../config/agent-config.ts';
import { loadAgent } from '../../config/load-agent.ts';
import { isAddress } from '../../core/mail/address.ts';
import { printDuration, printTime } from '../../core/mail/texts.ts';
import { systemClock } from '../../lib/clock.ts';
import type { ServerView } from '../../services/mail-queue/deliverer.ts';
import { MailQueue, type MailQueueConfig } from '../../services/mail-queue/mail-queue.ts';
import type { MailView, Operator, Selection } from '../../services/mail-queue/operator.ts';
import { type DeliveryState, deliveryStates, parseDeliveryKey, type QueueStats } from '../../services/mail-queue/records.ts';
import { sendTest } from '../../services/mail-queue/send-test.ts';
import { CliFailure } from '../failure.ts';

interface Common {
  readonly config?: string;
  readonly dataDir?: string;
  readonly json?: true;
}

interface Selecting extends Common {
  readonly all?: true;
  readonly to?: string;
  readonly state?: string;
}

const examples = `
Examples:
  ceilograph mail list -c /etc/ceilograph/agent.yaml
  ceilograph mail show 12.0 -c agent.yaml
  ceilograph mail retry --all --state deferred -c agent.yaml
  ceilograph mail test operator@example.org -c agent.yaml
`;

export function mailCommand(): Command {
  const mail = new Command('mail').description(
    'The queue of mails of this data directory: look at it, and act on it while agents run.',
  );
  common(mail.command('list').description('What waits, oldest first, and how the servers are.'))
    .option('--limit <n>', 'at most so many', '50')
    .option('--to <address>', 'of one recipient')
    .option('--state <state>', deliveryStates.join(', '))
    .option('--gone', 'what left the queue lately, newest first')
    .action(list);
  common(
    mail
      .command('show')
      .description('One mail: its deliveries and its text.')
      .argument('<id>', '12, or one recipient of it: 12.0'),
  ).action(show);
  for (const [name, about, act] of actions) {
    common(mail.command(name).description(about).argument('[id...]', '12 for a mail, 12.0 for one recipient of it'))
      .option('--all', 'all of them')
      .option('--to <address>', 'only of this recipient')
      .option('--state <state>', `only those that are ${deliveryStates.join(', ')}`)
      .action((ids: string[], options: Selecting) => change(name, act, ids, options));
  }
  common(
    mail.command('flush').description('Everything now: what is deferred or uncertain is tried again, digests are sent.'),
  ).action(flush);
  common(
    mail
      .command('test')
      .description('Send one mail through the servers as configured, past the queue, and show what each says.')
      .argument('<address>', 'who gets it'),
  )
    .option('--each', 'through every server, not only the first that works')
    .action(test);
  return mail.addHelpText('after', examples);
}

type Act = (operator: Operator, selection: Selection) => Promise<number>;

const actions: readonly (readonly [name: string, about: string, act: Act])[] = [
  ['retry', 'As soon as a server works: what is deferred, uncertain or held.', (operator, which) => operator.retry(which)],
  ['hold', 'Keep it in the queue until `retry`; its time to live goes on.', (operator, which) => operator.hold(which)],
  ['drop', 'Out of the queue for good, without a dead letter.', (operator, which) => operator.drop(which)],
];

function common(command: Command): Command {
  return command
    .option('-c, --config <file>', 'the agent file')
    .option('--data-dir <dir>', 'the data directory, where the agent file does not name it')
    .option('--json', 'one JSON value');
}

interface ListOptions extends Selecting {
  readonly limit: string;
  readonly gone?: true;
}

async function list(options: ListOptions): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1) throw new CliFailure(`--limit ${options.limit}: expected a number`, 2);
  const selection = selectionOf([], { ...options, all: true });
  await withQueue(options, async ({ operator }) => {
    const stats = operator.stats();
    const servers = operator.servers();
    if (options.gone === true) {
      const gone = operator.gone(limit);
      if (options.json === true) return out(`${JSON.stringify({ gone })}\n`);
      for (const { at, what, id, to, attempts, server, said, subject } of gone)
        out(
          `${printTime(at)}  ${what.padEnd(10)} ${id.padEnd(8)} ${to}  tries ${attempts}  ${server ?? '-'}: ${said ?? '-'}  ${subject}\n`,
        );
      return;
    }
    const mails = operator.list(selection, limit);
    if (options.json === true) return out(`${JSON.stringify({ stats, servers, mails })}\n`);
    out(table(stats, servers, mails));
  });
}

async function show(id: string, options: Common): Promise<void> {
  const key = parseDeliveryKey(id);
  if (key === null) throw new CliFailure(`${id}: expected such as 12 or 12.0`, 2);
  await withQueue(options, async ({ operator }) => {
    const deliveries = operator.list({ ids: [key] }, 1_000);
    if (deliveries.length === 0) throw new CliFailure(`no mail ${id} waits (\`mail list --gone\` shows what left)`);
    const body = Buffer.from(operator.body(key.seq) ?? new Uint8Array());
    if (options.json === true) return out(`${JSON.stringify({ deliveries, body: body.toString('latin1') })}\n`);
    for (const mail of deliveries) out(line(mail));
    out(`\n${body.toString('utf8').replaceAll('\r\n', '\n')}`);
  });
}

async function change(name: string, act: Act, ids: readonly string[], options: Selecting): Promise<void> {
  const selection = selectionOf(ids, options);
  await withQueue(options, async ({ operator }) => {
    const count = await act(operator, selection);
    if (options.json === true) out(`${JSON.stringify({ [name]: count })}\n`);
    else process.stderr.write(`${name}: ${count} ${count === 1 ? 'delivery' : 'deliveries'}\n`);
  });
}

async function flush(options: Common): Promise<void> {
  await withQueue(options, async ({ operator }) => {
    const flushed = await operator.flush();
    if (options.json === true) out(`${JSON.stringify(flushed)}\n`);
    else process.stderr.write(`tried again: ${flushed.deliveries} deliveries; sent now: ${flushed.digests} digests\n`);
  });
}

async function test(address: string, options: Common & { readonly each?: true }): Promise<void> {
  if (!isAddress(address)) throw new CliFailure(`${address} is no mail address`, 2);
  const { queue } = await configured(options);
  const results = await sendTest(queue, systemClock, address, options.each === true);
  for (const { server, accepted, said } of results)
    options.json === true || out(`${server}: ${accepted ? 'accepted' : 'not accepted'}: ${said}\n`);
  if (options.json === true) out(`${JSON.stringify({ results })}\n`);
  const isGood = options.each === true ? results.every((one) => one.accepted) : results.some((one) => one.accepted);
  if (!isGood) throw new CliFailure(`the mail to ${address} was not accepted`);
}

function selectionOf(ids: readonly string[], options: Selecting): Selection {
  const keys = ids.map((id) => {
    const key = parseDeliveryKey(id);
    if (key === null) throw new CliFailure(`${id}: expected such as 12 or 12.0`, 2);
    return key;
  });
  if ((keys.length === 0) === (options.all === undefined)) throw new CliFailure('expected ids, or --all', 2);
  const state = deliveryStates.find((known) => known === options.state);
  if (options.state !== undefined && state === undefined)
    throw new CliFailure(`--state ${options.state}: expected ${deliveryStates.join(', ')}`, 2);
  return {
    ids: options.all === true ? 'all' : keys,
    ...(options.to === undefined ? {} : { to: options.to }),
    ...(state === undefined ? {} : { state: state as DeliveryState }),
  };
}

async function configured(options: Common): Promise<{ readonly config: AgentConfig; readonly queue: MailQueueConfig }> {
  const config = await loadAgent(options.config ?? null, process.env, { data_dir: options.dataDir });
  if (config.mail === null) throw new CliFailure('the agent file has no `mail:`', 1);
  return { config, queue: toQueueConfig(config.mail, mailDirectory(config.dataDir), null) };
}

async function withQueue(options: Common, work: (queue: MailQueue) => Promise<void>): Promise<void> {
  const { queue: config } = await configured(options);
  if (!existsSync(config.directory)) throw new CliFailure(`no agent has sent mails from ${config.directory} yet`);
  const queue = await MailQueue.open({
    config,
    clock: systemClock,
    random: Math.random,
    emit: () => undefined,
    bury: async () => undefined, // only who delivers gives up
  });
  try {
    await work(queue);
  } finally {
    await queue.close();
  }
}

function table(stats: QueueStats, servers: readonly ServerView[], mails: readonly MailView[]): string {
  const states = deliveryStates.map((state) => `${state} ${stats.states[state]}`).join('  ');
  const age = stats.oldestAt === null ? '' : `, oldest from ${printTime(stats.oldestAt)}`;
  const lines = [
    `deliveries ${stats.deliveries} (${states}), lines of digests ${stats.digestLines}, ${stats.bytes} bytes${age}`,
    `since the beginning: accepted ${stats.accepted}, delivered ${stats.delivered}, failed ${stats.failed}, superseded ${stats.superseded}, dropped ${stats.dropped}, uncertain ${stats.uncertain}`,
  ];
  for (const { name, state, sessions, lastReply, alarm } of servers)
    lines.push(
      `server ${name}  ${state}  sessions ${sessions}  ${alarm === null ? '' : `ALARM ${alarm}  `}${lastReply ?? ''}`.trimEnd(),
    );
  return `${lines.join('\n')}\n${mails.map(line).join('')}`;
}

function line({ id, to, state, attempts, ageMs, nextInMs, server, said, subject }: MailView): string {
  const next = nextInMs === null ? '' : `  next in ${printDuration(nextInMs)}`;
  const word = said === null ? '' : `  ${server ?? '-'}: ${said}`;
  return `${id.padEnd(8)} ${state.padEnd(9)} ${to}  age ${printDuration(ageMs)}  tries ${attempts}${next}${word}  ${subject}\n`;
}

function out(text: string): void {
  process.stdout.write(text);
}

import type { AgentConfig, InputConfig } from '../config/agent-config.ts';
import type { AmqpInputParameters } from '../inputs/amqp/schema.ts';
import { readSecret } from '../inputs/configured-file.ts';
import type { HttpInputParameters } from '../inputs/http/schema.ts';
import { isLoopback } from '../lib/loopback.ts';
import { CliFailure } from './failure.ts';

/** Where notifications are sent so that this input gets them, as `ceilograph send --to` takes it. */
export interface InputAddress {
  readonly to: string;
  readonly tokenFile?: string;
  /** Only what has one of these comes to it: each has a queue of its own. */
  readonly priorities?: readonly string[];
}

/**
 * Of the input of that name, else of the first one that can be sent to. Throws a `CliFailure` that names what there is and what to do where
 * there is none.
 */
export async function addressOf(config: AgentConfig, name: string | undefined, exchange?: string): Promise<InputAddress> {
  const named = config.inputs.filter((input) => name === undefined || input.name === name);
  const input = named.find(({ kind }) => kind === 'amqp') ?? named.find(({ kind }) => kind === 'http');
  if (input === undefined) {
    const all = config.inputs.map((each) => `${each.name} (${each.kind})`).join(', ') || 'none';
    throw new CliFailure(
      `no input can be sent to: of kind amqp or http${name === undefined ? '' : ` and named ${name}`}; there is ${all}`,
    );
  }
  return input.kind === 'amqp' ? await amqpAddress(config, input, exchange) : httpAddress(input, exchange);
}

async function amqpAddress(
  { baseDir }: AgentConfig,
  { name, parameters }: InputConfig,
  exchange: string | undefined,
): Promise<InputAddress> {
  const amqp = parameters as AmqpInputParameters;
  if (amqp.tls !== undefined)
    throw new CliFailure(
      `${name} has TLS files of its own, which this command does not use: publish from where they are not needed`,
    );
  const chosen = exchange ?? (amqp.exchanges.length === 1 ? amqp.exchanges[0] : undefined);
  if (chosen === undefined || !amqp.exchanges.includes(chosen))
    throw new CliFailure(`say with --exchange which one ${name} shall get them through: ${amqp.exchanges.join(', ')}`, 2);
  const [first] = typeof amqp.url === 'string' ? [amqp.url] : amqp.url;
  const url = new URL(first ?? '');
  if (amqp.password_file !== undefined) url.password = encodeURIComponent(await readSecret(amqp.password_file, baseDir));
  const flag = (value: boolean) => (value ? 'true' : 'false');
  url.search = new URLSearchParams({
    exchange: chosen,
    topic: amqp.topics[0] ?? 'notifications',
    durable: flag(amqp.durable || amqp.quorum),
    auto_delete: flag(amqp.auto_delete),
    quorum: flag(amqp.quorum),
    declare: flag(amqp.declare),
  }).toString();
  return { to: url.href, priorities: amqp.priorities };
}

function httpAddress({ name, parameters }: InputConfig, exchange: string | undefined): InputAddress {
  const { host, port, tls, token_file: tokenFile } = parameters as HttpInputParameters;
  if (exchange !== undefined) throw new CliFailure(`${name} is of kind http and has no exchanges`, 2);
  if (tls !== undefined) throw new CliFailure(`${name} speaks TLS: name it with \`ceilograph send --to https://…\``);
  if (port === 0) throw new CliFailure(`${name} takes any free port: find it in the log and use \`ceilograph send --to\``);
  const reached = isLoopback(host) || !/^(?:0\.0\.0\.0|::)$/.test(host) ? host : '127.0.0.1';
  const shown = reached.includes(':') ? `[${reached}]` : reached;
  return { to: `http://${shown}:${port}`, ...(tokenFile === undefined ? {} : { tokenFile }) };
}

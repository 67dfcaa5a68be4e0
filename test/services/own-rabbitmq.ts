import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { connect } from 'amqplib';
import { pause } from '../faults/until.ts';
import { run, splitAtNul, startOwn } from './own-service.ts';

/** A RabbitMQ of this test file alone, to be killed and started again. */
export interface OwnRabbitmq {
  readonly url: string;
  /** SIGKILL to everything that belongs to it; it is gone when this resolves. */
  kill(): Promise<void>;
  /** To everything that belongs to it: SIGSTOP freezes it with its connections open. */
  signal(signal: NodeJS.Signals): void;
  /** On the same data; returns at once. */
  launch(): Promise<void>;
  /** Until it takes connections. */
  ready(): Promise<void>;
  /** Erlang, in the running node: for settings that no test should have to wait for. */
  evaluate(expression: string): Promise<void>;
  /** `rabbitmqctl …` on this node. */
  control(...args: readonly string[]): Promise<void>;
  /** For a node that is to be joined with this one. */
  readonly kin: NodeJS.ProcessEnv;
  readonly node: string;
  /** With its data. */
  dispose(): Promise<void>;
}

/** From here on the helpers of `rabbitmq.ts` mean this one too. */
export async function startOwnRabbitmq(kin: NodeJS.ProcessEnv = {}): Promise<OwnRabbitmq> {
  const { AMQP_URL: _, RABBITMQ_HTTP_URL: __, ...env } = process.env;
  const service = await startOwn('rabbitmq', { ...env, ...kin });
  const url = service.need('AMQP_URL');
  process.env['AMQP_URL'] = url;
  process.env['RABBITMQ_HTTP_URL'] = service.need('RABBITMQ_HTTP_URL');
  const [command = '', ...args] = service.commandLine;
  const variables = Object.fromEntries(splitAtNul(await readFile(`/proc/${service.pid()}/environ`, 'utf8')).map(pair));
  const control = async (...words: readonly string[]) => {
    // Debian's wrapper of this switches the user; the program beside the server's runs as anyone.
    const ctl = join(dirname(args[0] ?? ''), 'rabbitmqctl');
    await run('/bin/sh', [ctl, '-n', variables['RABBITMQ_NODENAME'] ?? '', ...words], { env: variables });
  };
  return {
    url,
    kill: service.kill,
    signal: (signal) => void process.kill(-service.pid(), signal),
    async launch() {
      const child = spawn(command, args, { cwd: service.folder, env: variables, detached: true, stdio: 'ignore' });
      child.unref();
      await service.replaced(child.pid);
    },
    async ready() {
      const end = performance.now() + 60_000;
      for (;;) {
        try {
          return await (await connect(url)).close();
        } catch (error) {
          if (performance.now() > end) throw error;
          await pause(50);
        }
      }
    },
    evaluate: (expression) => control('eval', expression),
    control,
    kin: { RABBITMQ_HOME: variables['HOME'], RABBITMQ_EPMD: variables['ERL_EPMD_PORT'] },
    node: variables['RABBITMQ_NODENAME'] ?? '',
    dispose: service.dispose,
  };
}

/** Three nodes of one cluster. */
export async function startThreeRabbitmqs(): Promise<readonly OwnRabbitmq[]> {
  const first = await startOwnRabbitmq();
  const others = [await startOwnRabbitmq(first.kin), await startOwnRabbitmq(first.kin)];
  for (const other of others) {
    await other.control('stop_app');
    await other.control('join_cluster', first.node);
    await other.control('start_app');
  }
  return [first, ...others];
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

import { execFile, spawn } from 'node:child_process';
import { readFile, readlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from 'amqplib';

/** A RabbitMQ of this test file alone, to be killed and started again. */
export interface OwnRabbitmq {
  readonly url: string;
  /** SIGKILL to everything that belongs to it; it is gone when this resolves. */
  kill(): Promise<void>;
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

const script = fileURLToPath(new URL('./services.sh', import.meta.url));
const run = promisify(execFile);

/** From here on the helpers of `rabbitmq.ts` mean this one too. */
export async function startOwnRabbitmq(kin: NodeJS.ProcessEnv = {}): Promise<OwnRabbitmq> {
  const { AMQP_URL: _, RABBITMQ_HTTP_URL: __, ...env } = process.env;
  const { stdout } = await run(script, ['start', 'rabbitmq'], { env: { ...env, ...kin } });
  const exported = new Map([...stdout.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name ?? '', value ?? '']));
  const need = (name: string) => {
    const value = exported.get(name);
    if (value === undefined) throw new Error(`services.sh did not say ${name}: ${stdout}`);
    return value;
  };
  const folder = join(need('SERVICES_DIR'), 'rabbitmq');
  const url = need('AMQP_URL');
  process.env['AMQP_URL'] = url;
  process.env['RABBITMQ_HTTP_URL'] = need('RABBITMQ_HTTP_URL');
  const pidFile = join(folder, 'main.pid');
  let pid = Number(await readFile(pidFile, 'utf8'));
  const [command = '', ...args] = split(await readFile(`/proc/${pid}/cmdline`, 'utf8'));
  const variables = Object.fromEntries(split(await readFile(`/proc/${pid}/environ`, 'utf8')).map(pair));
  const control = async (...words: readonly string[]) => {
    // Debian's wrapper of this switches the user; the program beside the server's runs as anyone.
    const ctl = join(dirname(args[0] ?? ''), 'rabbitmqctl');
    await run('/bin/sh', [ctl, '-n', variables['RABBITMQ_NODENAME'] ?? '', ...words], { env: variables });
  };
  return {
    url,
    async kill() {
      process.kill(-pid, 'SIGKILL');
      while ((await readlink(`/proc/${pid}/cwd`).catch(() => '')) !== '') await pause(5);
    },
    async launch() {
      const child = spawn(command, args, { cwd: folder, env: variables, detached: true, stdio: 'ignore' });
      child.unref();
      pid = child.pid ?? 0;
      await writeFile(pidFile, String(pid));
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
    async dispose() {
      await run(script, ['stop', need('SERVICES_DIR')]);
    },
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

function split(text: string): string[] {
  return text.split('\0').filter((part) => part !== '');
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

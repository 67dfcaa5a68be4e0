import { type ChildProcess, spawn } from 'node:child_process';
import type { ClusterView } from '../../src/agent/cluster-view.ts';
import { projectDir } from '../run/program.ts';
import { freePort } from '../services/free-port.ts';

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const limitMs = 8 * 60_000;
const status = ['ceilograph', 'status', '-c', '/etc/ceilograph/agent.yaml'];

/** The cluster of docker-compose.yml under a name and on ports of its own, so that one that runs here already is left alone. */
export class ComposeProject {
  readonly #name: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(name: string, env: NodeJS.ProcessEnv) {
    this.#name = name;
    this.#env = env;
  }

  static async make(name: string, pipelines: string): Promise<ComposeProject> {
    return new ComposeProject(`ceilograph-test-${name}-${process.pid}`, {
      CEILOGRAPH_PIPELINES: pipelines,
      RABBITMQ_PORT: String(await freePort()),
      RABBITMQ_MANAGEMENT_PORT: String(await freePort()),
    });
  }

  /** Throws what it said when it fails. */
  async must(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`docker compose ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`.slice(-4_000));
    return stdout;
  }

  run(args: readonly string[], input?: Iterable<string>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const child = spawn('docker', ['compose', '-p', this.#name, ...args], {
        cwd: projectDir,
        env: { ...process.env, ...this.#env },
      });
      const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
      let [stdout, stderr] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      child.on('error', reject);
      child.on('close', (code) => {
        clearTimeout(limit);
        resolve({ code: code ?? 1, stdout, stderr });
      });
      write(child, input ?? []);
    });
  }

  /** As the site's services would: over the broker, confirmed. Resolves when all are sent; a broker that is away is waited for. */
  async send(bodies: Iterable<string>, perSecond: number): Promise<void> {
    const to = 'amqp://notifier:$(cat /run/ceilograph/notifier-password)@rabbitmq:5672/?exchange=nova&durable=true&declare=false';
    const script = `exec ceilograph send - --timeout 180 --rate ${perSecond} --to "${to}"`;
    const args = ['run', '--rm', '--no-deps', '-T', '--entrypoint', 'sh', 'generator', '-c', script];
    const { code, stdout, stderr } = await this.run(args, bodies);
    if (code !== 0) throw new Error(`ceilograph send ended with ${code}:\n${stdout}${stderr}`);
  }

  /** Null while the agent, Redis or RabbitMQ does not answer. */
  async status(agent: string): Promise<ClusterView | null> {
    const { code, stdout } = await this.run(['exec', '-T', agent, ...status, '--json']);
    return code === 0 ? (JSON.parse(stdout) as ClusterView) : null;
  }

  /** Messages that wait in the site's queues, for us or unacknowledged. */
  async rawWaiting(): Promise<number> {
    const args = ['exec', '-T', 'rabbitmq', 'rabbitmqctl', '-q', 'list_queues', '-p', '/', 'messages', '--no-table-headers'];
    const { code, stdout } = await this.run(args);
    if (code !== 0) return Number.POSITIVE_INFINITY;
    return stdout
      .trim()
      .split('\n')
      .reduce((sum, line) => sum + Number(line), 0);
  }

  async remove(): Promise<void> {
    await this.must('--profile', 'demo', 'down', '--volumes', '--timeout', '25');
  }
}

/** Written as it is taken, so that what is sent at a pace need not be in memory. */
function write({ stdin }: ChildProcess, lines: Iterable<string>): void {
  // Gone before it had read all: its exit code says why.
  stdin?.on('error', () => undefined);
  const iterator = lines[Symbol.iterator]();
  const more = () => {
    for (;;) {
      const { done, value } = iterator.next();
      if (done === true) return void stdin?.end();
      if (stdin?.write(`${value}\n`) === false) return void stdin.once('drain', more);
    }
  };
  more();
}

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentProcesses } from '../../src/cli/demo/agents.ts';
import { projectDir } from '../run/program.ts';
import { freePort } from '../services/free-port.ts';

const sink = (name: string) => `sink: ${name}
from: samples
match: ["*"]
partition_by: [resource_id]
partitions: 6
transform: [{ rate_of_change: { target: { name: rate, unit: x, type: gauge } } }]
publish: [{ file: { path: ${name}.jsonl } }]
`;

const liveness = 'liveness: { inventory: hosts.yaml, partitions: 2, slack: 1s, first_report: 3s, hold: 1s, reload: 600s }\n';

const forward = (url: string) => `sink: forward
from: samples
match: [memory]
publish: [{ http: { url: "${url}" } }]
`;

/** A cluster of agents on one data directory, each with its page, as compiled and started as an operator does. */
export class WatchedCluster {
  readonly #folder: string;
  readonly #processes: AgentProcesses;
  readonly #ports = new Map<string, { readonly admin: number; readonly input: number }>();
  #sent = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#processes = new AgentProcesses(folder, join(projectDir, 'dist/cli/main.js'));
  }

  /** `target`: one more sink, which sends every sample there. `hosts`: an inventory of hosts that are expected to report. */
  static async start(names: readonly string[], admin = '', target?: string, hosts?: string): Promise<WatchedCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'ceilograph-page-'));
    const cluster = new WatchedCluster(folder);
    await mkdir(join(folder, 'pipelines'));
    for (const name of ['cpu', 'network']) await writeFile(join(folder, 'pipelines', `${name}.yaml`), sink(name));
    if (target !== undefined) await writeFile(join(folder, 'pipelines', 'forward.yaml'), forward(target));
    await writeFile(join(folder, 'token'), 'open-sesame\n');
    if (hosts !== undefined) await writeFile(join(folder, 'hosts.yaml'), hosts);
    for (const name of names) {
      const ports = { admin: await freePort(), input: await freePort() };
      cluster.#ports.set(name, ports);
      await writeFile(join(folder, `${name}.yaml`), `${agentFile(ports, admin)}${hosts === undefined ? '' : liveness}`);
      await cluster.start(name);
    }
    return cluster;
  }

  address(name: string): string {
    return `http://127.0.0.1:${this.#ports.get(name)?.admin}`;
  }

  /** Resolves once it is ready. */
  async start(name: string): Promise<void> {
    this.#processes.start(name, join(this.#folder, `${name}.yaml`));
    const ready = () =>
      fetch(`${this.address(name)}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    for (const end = Date.now() + 20_000; !(await ready()); await new Promise((resolve) => setTimeout(resolve, 50)))
      if (Date.now() > end) throw new Error(`${name} is not ready within 20 s`);
  }

  kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.#processes.kill(name, signal);
  }

  /** So many notifications, or whatever text instead, into one agent; they are durable then. */
  async feed(name: string, count: number, body?: string): Promise<void> {
    const lines = Array.from({ length: count }, () => body ?? notification(this.#sent++));
    const response = await fetch(`http://127.0.0.1:${this.#ports.get(name)?.input}/v1/notifications`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.join('\n'),
    });
    if (response.status !== 202) throw new Error(`fed ${count} and was answered ${response.status}`);
  }

  /** By one agent, that these hosts are up. */
  async report(name: string, hosts: readonly string[]): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.#ports.get(name)?.input}/v1/reports`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(hosts.map((host) => ({ host, service: 'uptime', data: {} }))),
    });
    if (response.status !== 202) throw new Error(`reported and was answered ${response.status}`);
  }

  async close(): Promise<void> {
    await this.#processes.stopAll('SIGKILL');
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function agentFile({ admin, input }: { readonly admin: number; readonly input: number }, more: string): string {
  return `cluster: watched
data_dir: data
pipelines: pipelines
inputs: [{ http: { port: ${input} } }]
admin: { listen: "127.0.0.1:${admin}"${more} }
timing: { lease_ttl_ms: 3000, renew_ms: 1000, heartbeat_ms: 500, linger_ms: 20, rejoin_grace_ms: 0 }
`;
}

function notification(n: number): string {
  return JSON.stringify({
    message_id: `m-${n}`,
    publisher_id: 'compute.node',
    event_type: 'compute.instance.exists',
    priority: 'INFO',
    timestamp: new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString(),
    payload: {
      instance_id: `i-${n % 40}`,
      tenant_id: 't',
      user_id: 'u',
      memory_mb: 512 + n,
      vcpus: 1,
      disk_gb: 1,
      root_gb: 1,
      ephemeral_gb: 0,
      instance_type: 'm1',
    },
  });
}

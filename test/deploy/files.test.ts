import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadAgent } from '../../src/config/load-agent.ts';
import { loadSetup } from '../../src/config/load-setup.ts';
import { renderManPage } from '../run/man-page.ts';
import { projectDir } from '../run/program.ts';

const run = promisify(execFile);
const cli = join(projectDir, 'dist/cli/main.js');

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
}

describe('the Kubernetes manifests', async () => {
  const folder = join(projectDir, 'deploy/kubernetes');
  const { stdout } = await run(process.env['KUBECTL'] ?? 'kubectl', ['kustomize', folder]);
  const manifests = parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
  const of = (kind: string) => {
    const found = manifests.filter((manifest) => manifest.kind === kind);
    expect(found.length, kind).toBe(1);
    return found[0] as Manifest;
  };
  const pod = (of('StatefulSet').spec['template'] as { readonly spec: PodSpec }).spec;
  const [agent] = pod.containers;

  it('are put together by kustomize, each named, in one namespace', () => {
    expect(manifests.map(({ kind }) => kind).sort()).toEqual(
      ['ConfigMap', 'ConfigMap', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'ServiceAccount', 'StatefulSet'].sort(),
    );
    for (const { metadata } of manifests) expect(metadata.namespace, metadata.name).toBe('ceilograph');
    expect(agent?.image).toMatch(/^registry\.example\/ceilograph:\d/);
  });

  it('choose the pods of the agents by labels that these have', () => {
    const labels = (of('StatefulSet').spec['template'] as { readonly metadata: { readonly labels: object } }).metadata.labels;

    expect(of('Service').spec['selector']).toEqual(labels);
    expect(of('PodDisruptionBudget').spec['selector']).toEqual({ matchLabels: labels });
    expect(of('NetworkPolicy').spec['podSelector']).toEqual({ matchLabels: labels });
    expect(of('StatefulSet').spec['selector']).toEqual({ matchLabels: labels });
  });

  it('mount only what there is, and ask the port that the agent listens on', async () => {
    const config = await loadAgent(join(folder, 'agent.yaml'), {});
    const volumes = pod.volumes.map(({ name }) => name).concat('data');
    const configMaps = manifests.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name);

    expect(agent?.volumeMounts.map(({ name }) => name).filter((name) => !volumes.includes(name))).toEqual([]);
    for (const { configMap } of pod.volumes) if (configMap !== undefined) expect(configMaps).toContain(configMap.name);
    expect(agent?.ports).toEqual([{ name: 'admin', containerPort: config.admin.listen?.port }]);
    for (const probe of [agent?.startupProbe, agent?.livenessProbe, agent?.readinessProbe])
      expect(probe?.httpGet.port).toBe('admin');
    expect(agent?.livenessProbe.httpGet.path).toBe('/livez');
    expect(agent?.readinessProbe.httpGet.path).toBe('/readyz');
    expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(config.timing.drainMs);
    expect(agent?.volumeMounts.map(({ mountPath }) => mountPath)).toContain(config.dataDir);
  });

  it('take every privilege from the agent', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(agent?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
  });

  it('configure sinks that load, all of them', async () => {
    const { sinks } = await loadSetup({ config: join(folder, 'agent.yaml'), pipelines: join(folder, 'pipelines') }, {});
    const there = await readdir(join(folder, 'pipelines'));
    const carried = manifests.find(({ metadata }) => metadata.name.startsWith('ceilograph-pipelines'))?.data ?? {};

    expect(sinks.length).toBe(there.length);
    expect(Object.keys(carried).sort()).toEqual(there.sort());
  });
});

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: object;
  readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
  readonly containers: readonly {
    readonly image: string;
    readonly ports: readonly object[];
    readonly securityContext: object;
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
    readonly startupProbe: Probe;
    readonly livenessProbe: Probe;
    readonly readinessProbe: Probe;
  }[];
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

describe('the systemd units', () => {
  const folder = join(projectDir, 'deploy/systemd');

  it('are understood by systemd, without a warning', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'ceilograph-units-'));
    for (const name of await readdir(folder)) await copyFile(join(folder, name), join(copy, name.replace('@.', '@one.')));
    for (const name of await readdir(copy)) {
      const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', join(copy, name)]);
      // What is said about other units of this machine is not about ours.
      expect(
        `${stdout}${stderr}`.split('\n').filter((line) => line.includes('ceilograph')),
        name,
      ).toEqual([]);
    }
    await rm(copy, { recursive: true });
  });

  it('leave little to a service that was taken over', async () => {
    for (const name of ['ceilograph-agent.service', 'ceilograph-agent@.service']) {
      const { stdout } = await run('systemd-analyze', ['security', '--offline=yes', '--no-pager', join(folder, name)]);
      const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);

      expect(exposure, name).toBeLessThan(2.5);
    }
  });

  it('are told by the agent when it is ready, that it lives, and that it stops', async () => {
    const site = await mkdtemp(join(tmpdir(), 'ceilograph-notify-'));
    const socket = join(site, 'notify');
    await writeFile(
      join(site, 'agent.yaml'),
      `data_dir: data\npipelines: ${join(projectDir, 'pipelines/demo')}\ninputs: [{ http: { port: 0 } }]\n`,
    );
    const manager = spawn('python3', ['-u', '-c', listener, socket]);
    const heard = linesOf(manager);
    await heard('listening');
    const agent = spawn(process.execPath, [cli, 'agent', '-c', join(site, 'agent.yaml')], {
      stdio: 'ignore',
      env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '600000' },
    });
    try {
      await heard('READY=1');
      await heard('WATCHDOG=1');
      agent.kill('SIGTERM');
      await heard('STOPPING=1');
      expect(await new Promise((resolve) => agent.once('exit', resolve))).toBe(0);
    } finally {
      agent.kill('SIGKILL');
      manager.kill('SIGKILL');
      await rm(site, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});

/** What systemd does with its socket: Node cannot listen on one of datagrams. */
const listener = `
import socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
print('listening')
while True: print(server.recv(4096).decode())
`;

/** Waits for a line that was not waited for yet. */
function linesOf(child: ChildProcess): (wanted: string) => Promise<void> {
  const lines: string[] = [];
  let wake = () => {};
  child.stdout?.on('data', (chunk: Buffer) => {
    lines.push(...chunk.toString().split('\n'));
    wake();
  });
  return async (wanted) => {
    while (!lines.includes(wanted)) {
      lines.length = 0;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}

describe('docker-compose.yml', () => {
  const services = async () => {
    const file = parse(await readFile(join(projectDir, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
      readonly services: Readonly<
        Record<string, { readonly profiles?: readonly string[]; image?: string; build?: object; pull_policy?: string }>
      >;
    };
    return file.services;
  };

  it('builds its image once, since every further build of one name makes containers anew, and asks nobody else for it', async () => {
    const ours = Object.entries(await services()).filter(([, { image }]) => image === 'ceilograph:local');

    expect(ours.filter(([, { build }]) => build !== undefined).map(([name]) => name)).toEqual(['agent-1']);
    expect(ours.map(([name, service]) => [name, service.pull_policy])).toEqual(
      ['agent-1', 'agent-2', 'agent-3', 'generator'].map((name) => [name, 'never']),
    );
  });

  it('has no profile that `npm run test:compose` does not try', async () => {
    const runner = await readFile(join(projectDir, 'test/run/compose.ts'), 'utf8');

    const profiles = new Set(Object.values(await services()).flatMap((service) => service.profiles ?? []));

    expect(profiles.size).toBe(3);
    expect([...profiles].filter((profile) => !new RegExp(`'--profile',\\s+'${profile}'`).test(runner))).toEqual([]);
  });

  it('has Prometheus scrape the agents that it starts, on the port they listen on', async () => {
    const { scrape_configs } = parse(await readFile(join(projectDir, 'deploy/prometheus/prometheus.yml'), 'utf8')) as {
      readonly scrape_configs: readonly { readonly static_configs: readonly { readonly targets: readonly string[] }[] }[];
    };
    const { admin } = await loadAgent(join(projectDir, 'deploy/compose/agent.yaml'), {});

    expect(scrape_configs[0]?.static_configs[0]?.targets).toEqual([1, 2, 3].map((n) => `agent-${n}:${admin.listen?.port}`));
  });
});

describe('shell completions', () => {
  const script = async (shell: string) => (await run(process.execPath, [cli, 'completion', shell])).stdout;
  /** What bash offers after these words. */
  const offered = async (...words: string[]) => {
    const code = `${await script('bash')}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _ceilograph; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await run('bash', ['-c', code])).stdout.trim().split('\n');
  };

  it('offer commands, commands below them, and their options, in bash', async () => {
    expect(await offered('ceilograph', 'sta')).toEqual(['status']);
    expect(await offered('ceilograph', 'mail', 'li')).toEqual(['list']);
    expect(await offered('ceilograph', 'status', '--c')).toEqual(['--config', '--check']);
    expect(await offered('ceilograph', '-x', 'status', '--config', 'agent.yaml', '--js')).toEqual(['--json']);
    expect(await offered('ceilograph', 'status', 'no-such')).toEqual(['']);
  });

  it('name the same commands in zsh and fish', async () => {
    const commands = (await offered('ceilograph', '')).filter((word) => !word.startsWith('-'));
    const [zsh, fish] = [await script('zsh'), await script('fish')];

    expect(commands.length).toBeGreaterThan(12);
    expect(zsh).toMatch(/^#compdef ceilograph\n/);
    for (const command of commands) {
      expect(zsh).toContain(`    '${command}') echo `);
      expect(fish).toContain(` -f -a ${command} -d '`);
    }
  });
});

describe('the man page', () => {
  it('is what the commands say, and clean for its formatter', async () => {
    const path = join(projectDir, 'deploy/man/ceilograph.1');
    const { stdout, stderr } = await run('groff', ['-man', '-ww', '-Tutf8', '-z', path]);

    expect(await readFile(path, 'utf8')).toBe(await renderManPage());
    // A word that is longer than a line cannot be helped.
    expect(`${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !/cannot (?:adjust|break) line/.test(line))).toEqual(
      [],
    );
  });
});

describe('the list of what is in the product', () => {
  it('names every package that is installed with it, with its version and license', async () => {
    const { stdout } = await run('npm', ['run', '--silent', 'sbom'], { cwd: projectDir, maxBuffer: 32 * 1024 * 1024 });
    const { bomFormat, components } = JSON.parse(stdout) as {
      readonly bomFormat: string;
      readonly components: readonly { readonly name: string; readonly version: string; readonly licenses?: readonly unknown[] }[];
    };
    const { dependencies } = JSON.parse(await readFile(join(projectDir, 'package.json'), 'utf8')) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    const listed = new Map(components.map(({ name, version }) => [name, version]));

    expect(bomFormat).toBe('CycloneDX');
    for (const [name, version] of Object.entries(dependencies)) expect(listed.get(name), name).toBe(version);
    expect(components.filter(({ licenses }) => licenses === undefined || licenses.length === 0).map(({ name }) => name)).toEqual(
      [],
    );
    expect(listed.has('vitest')).toBe(false);
  });
});

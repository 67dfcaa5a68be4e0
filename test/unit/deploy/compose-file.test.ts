import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { AgentConfig } from '../../../src/config/agent-config.ts';
import { loadAgent } from '../../../src/config/load-agent.ts';
import { projectDir } from '../../run/program.ts';

interface Service {
  readonly restart?: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly stop_grace_period?: string;
  readonly mem_limit?: string;
  readonly logging?: { readonly options?: Readonly<Record<string, string>> };
  readonly user?: string;
  readonly cap_drop?: readonly string[];
}

describe('docker-compose.yml', () => {
  const read = (path: string) => readFileSync(join(projectDir, path), 'utf8');
  const file = parse(read('docker-compose.yml'), { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>;
    readonly volumes: Readonly<Record<string, unknown>>;
  };
  const services = Object.entries(file.services);
  const agents = services.filter(([name]) => name.startsWith('agent'));
  const staying = services.filter(([name]) => name !== 'secrets');
  const mounts = services.flatMap(([name, { volumes = [] }]) =>
    volumes.map((volume) => {
      const [source = '', target = ''] = volume.replace(/\$\{[^}]*:-([^}]*)\}/, '$1').split(':');
      return { name, source, target };
    }),
  );
  let config: AgentConfig;

  beforeAll(async () => {
    config = await loadAgent(join(projectDir, 'deploy/compose/agent.yaml'), {});
  });

  it('mounts nothing of this folder that is not there, and no volume that is not declared', () => {
    const missing = mounts.filter(({ source }) =>
      source.startsWith('.') ? !existsSync(join(projectDir, source)) : !(source in file.volumes),
    );

    expect(mounts.length).toBeGreaterThan(10);
    expect(missing).toEqual([]);
  });

  it('has three agents with names and data of their own', () => {
    const own = (name: string) => mounts.find((mount) => mount.name === name && mount.target === '/var/lib/ceilograph')?.source;

    expect(agents.map(([name]) => name)).toEqual(['agent-1', 'agent-2', 'agent-3']);
    expect(agents.map(([, { environment }]) => environment?.['CEILOGRAPH_AGENT_STATIC_ID'])).toEqual(
      agents.map(([name]) => name),
    );
    expect(new Set(agents.map(([name]) => own(name))).size).toBe(3);
  });

  it('opens no port of the host but on loopback', () => {
    const ports = services.flatMap(([, { ports: open = [] }]) => open);

    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('gives every service that stays a bound of memory and of logs, and starts it again', () => {
    for (const [name, service] of staying) {
      expect(service.mem_limit, name).toMatch(/^\d+[mg]$/);
      expect(service.logging?.options, name).toEqual({ 'max-size': '10m', 'max-file': '3' });
      expect(service.restart, name).toBe('unless-stopped');
    }
  });

  it('has a health check wherever somebody waits for it', () => {
    const awaited = services.flatMap(([, { depends_on = {} }]) =>
      Object.entries(depends_on).filter(([, { condition }]) => condition === 'service_healthy'),
    );

    expect(awaited.length).toBeGreaterThan(5);
    for (const [name] of awaited) expect(file.services[name]?.healthcheck?.test?.length, name).toBeGreaterThan(0);
  });

  it('lets an agent drain before it is killed, and takes every privilege from it', () => {
    for (const [name, { stop_grace_period = '', cap_drop }] of agents) {
      expect(Number(/^(\d+)s$/.exec(stop_grace_period)?.[1]) * 1_000, name).toBeGreaterThan(config.timing.drainMs);
      expect(cap_drop, name).toEqual(['ALL']);
    }
  });

  it('has Redis write before it answers, and forget nothing', () => {
    const command = (file.services['redis']?.command ?? []).join(' ');

    expect(command).toContain('--appendonly yes --appendfsync always');
    expect(command).toContain('--maxmemory-policy noeviction');
    expect(command).toContain('--aclfile /run/ceilograph/users.acl');
  });

  it('shows no service the secrets of another', () => {
    const seen = mounts.filter(({ source }) => source.endsWith('-secrets')).map(({ name, source }) => `${name} ${source}`);

    expect(seen.filter((line) => !line.startsWith('secrets ')).sort()).toEqual([
      'agent-1 agent-secrets',
      'agent-2 agent-secrets',
      'agent-3 agent-secrets',
      'generator generator-secrets',
      'prometheus monitor-secrets',
      'rabbitmq rabbitmq-secrets',
      'redis redis-secrets',
    ]);
  });

  it('holds no password', () => {
    const texts = ['docker-compose.yml', 'deploy/compose/agent.yaml', 'deploy/rabbitmq/rabbitmq.conf'].map(read).join('\n');

    expect(texts).not.toMatch(/guest|:\/\/[\w-]+:(?!\$)[^@\s]+@|password\s*[:=]\s*\S/i);
  });

  it('configures agents that share their work, as the users that deploy/ gives', () => {
    expect(config.coordination.kind).toBe('redis');
    if (config.coordination.kind !== 'redis') return;
    const { redis, topics } = config.coordination;
    expect(read('deploy/redis/users.acl')).toContain(`user ${redis.aclUser} on `);
    expect(read('deploy/redis/users.acl')).toContain(`~{${config.cluster}}:*`);
    expect(topics).toMatchObject({ kind: 'amqp', urls: ['amqp://ceilograph-internal@rabbitmq:5672/ceilograph'] });
  });
});

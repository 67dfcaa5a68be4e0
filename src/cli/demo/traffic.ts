import { stableHash, stableId } from '../../model/stable-hash.ts';

/**
 * Traffic of a small cloud, in the shapes nova, neutron and the polling agents really send: instances are created (start, end),
 * polled every ten seconds (cumulative cpu and network counters, memory), and some are deleted. Seeded by counters alone: the
 * same round always says the same, so a resend carries the same message ids.
 */
export interface RawNotification {
  readonly resource: string;
  readonly body: string;
}

const pollSeconds = 10;

export class Cloud {
  readonly #instances: number;
  readonly #startMs: number;
  #round = 0;

  constructor(instances: number, startMs: number) {
    this.#instances = instances;
    this.#startMs = startMs;
  }

  /** Everything the cloud says within the next ten seconds of its own time, in order. */
  nextRound(): readonly RawNotification[] {
    const round = this.#round;
    this.#round += 1;
    const out: RawNotification[] = [];
    for (let i = 0; i < this.#instances; i++) {
      const resource = stableId(['demo-instance', String(i)]);
      const born = i % 8;
      if (round === born) out.push(lifecycle('create.start', resource, i, this.#time(round, i, 0)));
      if (round === born + 1) out.push(lifecycle('create.end', resource, i, this.#time(round, i, 0)));
      if (round > born) out.push(poll(resource, i, round - born, this.#time(round, i, 500)));
    }
    return out;
  }

  /** Ten minutes later everybody is polled once more: event time has moved on, so every window before it closes. */
  lastRound(): readonly RawNotification[] {
    this.#round += 60;
    return this.nextRound();
  }

  #time(round: number, instance: number, offsetMs: number): number {
    return this.#startMs + round * pollSeconds * 1000 + offsetMs + (instance % 97);
  }
}

function naive(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '000');
}

function wire(
  message: {
    readonly id: string;
    readonly publisher: string;
    readonly type: string;
    readonly priority: string;
    readonly at: number;
  },
  payload: unknown,
): string {
  const inner = {
    message_id: message.id,
    publisher_id: message.publisher,
    event_type: message.type,
    priority: message.priority,
    payload,
    timestamp: naive(message.at),
    _unique_id: message.id.replaceAll('-', ''),
    _context_request_id: `req-${message.id}`,
    _context_user_id: 'demo-user',
    _context_project_id: 'demo-project',
  };
  return JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(inner) });
}

function lifecycle(step: 'create.start' | 'create.end', resource: string, i: number, at: number): RawNotification {
  const type = `compute.instance.${step}`;
  const created = naive(at - (step === 'create.end' ? pollSeconds * 1000 : 0));
  const payload = {
    instance_id: resource,
    tenant_id: project(i),
    user_id: `user-${i % 7}`,
    display_name: `vm-${i}`,
    instance_type: 'm1.small',
    instance_type_id: 2,
    instance_flavor_id: '2',
    memory_mb: 2048,
    vcpus: vcpus(i),
    root_gb: 20,
    disk_gb: 20,
    ephemeral_gb: 0,
    host: host(i),
    node: host(i),
    availability_zone: 'nova',
    architecture: null,
    os_type: null,
    state: step === 'create.end' ? 'active' : 'building',
    state_description: step === 'create.end' ? '' : 'scheduling',
    created_at: created,
    launched_at: step === 'create.end' ? naive(at) : '',
    deleted_at: '',
    image_ref_url: 'http://glance.example:9292/images/4d1c1d54',
    image_meta: { base_image_ref: '4d1c1d54' },
    metadata: {},
    fixed_ips: [],
  };
  const id = stableId(['demo', type, resource]);
  return { resource, body: wire({ id, publisher: `compute.${host(i)}`, type, priority: 'INFO', at }, payload) };
}

function poll(resource: string, i: number, age: number, at: number): RawNotification {
  const load = 0.1 + Number(stableHash(['load', resource]) % 80n) / 100;
  const common = {
    source: 'openstack',
    user_id: `user-${i % 7}`,
    user_name: null,
    project_id: project(i),
    project_name: null,
    resource_id: resource,
    timestamp: `${new Date(at).toISOString().replace('Z', '')}000+00:00`,
    resource_metadata: {
      display_name: `vm-${i}`,
      host: host(i),
      cpu_number: vcpus(i),
      flavor: { name: 'm1.small', vcpus: vcpus(i) },
    },
    monotonic_time: null,
    message_signature: '',
  };
  const meter = (name: string, type: string, unit: string, volume: number) => ({
    ...common,
    counter_name: name,
    counter_type: type,
    counter_unit: unit,
    counter_volume: volume,
    message_id: stableId(['demo-sample', name, resource, String(age)]),
  });
  const samples = [
    meter('cpu', 'cumulative', 'ns', Math.round(age * pollSeconds * 1e9 * vcpus(i) * load)),
    meter('network.incoming.bytes', 'cumulative', 'B', age * (9_000 + i * 17)),
    meter('network.outgoing.bytes', 'cumulative', 'B', age * (4_000 + i * 31)),
    meter('memory.usage', 'gauge', 'MB', 512 + ((i * 37 + age * 11) % 1024)),
  ];
  const id = stableId(['demo-poll', resource, String(age)]);
  return {
    resource,
    body: wire({ id, publisher: 'telemetry.polling', type: 'telemetry.polling', priority: 'SAMPLE', at }, { samples }),
  };
}

function vcpus(i: number): number {
  return 1 + (i % 4);
}

function project(i: number): string {
  return `project-${i % 5}`;
}

function host(i: number): string {
  return `compute-${i % 6}`;
}

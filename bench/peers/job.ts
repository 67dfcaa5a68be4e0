/**
 * The job that all of them do alike: 2 kB notifications of oslo.messaging come from a durable queue, both layers of JSON are parsed, four of five
 * pass the filter, each becomes a sample of 0.4 kB, samples go to a durable exchange, persistent and confirmed, and only then the
 * notifications are acknowledged.
 */
export const job = {
  exchange: 'peers-in',
  queue: 'peers.info',
  /** As our `amqp` publisher names them. */
  outExchange: 'peers-out',
  outQueue: 'peers.sample',
  passes: 'compute.instance.exists',
  perMessage: 100,
  prefetch: 1000,
} as const;

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
const uuid = (a: number, b: number) => `${hex(a, 8)}-4f1d-4c2a-9d1e-${hex(b, 12)}`;

export const passing = (i: number) => i % 5 !== 4;

export function jobNotification(i: number): Buffer {
  const vm = i % 5000;
  const inner = {
    message_id: uuid(i, 1),
    publisher_id: `compute.host-${vm % 200}`,
    event_type: passing(i) ? job.passes : 'compute.instance.update',
    priority: 'INFO',
    payload: {
      tenant_id: hex(vm % 97, 32),
      user_id: hex(vm % 31, 32),
      instance_id: uuid(vm, 7),
      display_name: `vm-${vm}`,
      reservation_id: 'r-0a1b2c3d',
      hostname: `vm-${vm}`,
      instance_type: 'm1.small',
      instance_type_id: 5,
      instance_flavor_id: '2',
      architecture: 'x86_64',
      memory_mb: 2048,
      disk_gb: 20,
      vcpus: 1,
      root_gb: 20,
      ephemeral_gb: 0,
      host: `host-${vm % 200}`,
      node: `host-${vm % 200}`,
      availability_zone: 'nova',
      cell_name: '',
      created_at: '2026-05-01T10:11:12.000000',
      terminated_at: '',
      deleted_at: '',
      launched_at: '2026-05-01T10:11:20.000000',
      image_ref_url: `http://192.0.2.5:9292/images/${uuid(3, 3)}`,
      os_type: 'linux',
      kernel_id: '',
      ramdisk_id: '',
      state: 'active',
      state_description: '',
      metadata: { app: 'web', tier: 'front' },
      audit_period_beginning: '2026-06-01T00:00:00',
      audit_period_ending: '2026-06-01T01:00:00',
      progress: '',
      bandwidth: {},
      fixed_ips: [{ address: `10.0.${vm >> 8}.${vm & 255}`, label: 'private', version: 4 }],
    },
    timestamp: `2026-06-01 01:00:${`${i % 60}`.padStart(2, '0')}.${`${i}`.padStart(6, '0')}`,
  };
  return Buffer.from(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(inner) }));
}

/** Null: filtered out. */
export function jobSample(body: Uint8Array): object | null {
  const envelope = JSON.parse(body.toString()) as { 'oslo.message': string };
  const inner = JSON.parse(envelope['oslo.message']) as Record<string, unknown> & { payload: Record<string, unknown> };
  if (inner['event_type'] !== job.passes) return null;
  const { payload } = inner;
  return {
    name: 'instance',
    type: 'gauge',
    unit: 'instance',
    volume: 1,
    resource_id: payload['instance_id'],
    project_id: payload['tenant_id'],
    user_id: payload['user_id'],
    timestamp: inner['timestamp'],
    id: inner['message_id'],
    source: 'openstack',
    resource_metadata: {
      host: payload['host'],
      flavor: payload['instance_type'],
      state: payload['state'],
      display_name: payload['display_name'],
    },
  };
}

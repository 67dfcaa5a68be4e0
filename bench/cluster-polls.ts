import { stableId } from '../src/model/stable-hash.ts';

const start = Date.parse('2026-01-01T00:00:00Z');

/** Polls of `keys` resources, one after the other and round after round, ten seconds of their own time apart. */
export function* polls(keys: number, perNotification: number): Generator<string, never> {
  for (let nth = 0; ; nth++) {
    const samples = Array.from({ length: perNotification }, (_, i) => {
      const count = nth * perNotification + i;
      return sample(count % keys, Math.floor(count / keys));
    });
    const inner = {
      message_id: stableId(['poll', String(nth)]),
      publisher_id: 'compute.host',
      event_type: 'telemetry.polling',
      priority: 'SAMPLE',
      payload: { samples },
      timestamp: '2026-01-01 00:00:00.000000',
    };
    yield JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(inner) });
  }
}

export function sampleBytes(): number {
  return JSON.stringify(sample(0, 1)).length;
}

function sample(key: number, round: number) {
  return {
    source: 'openstack',
    counter_name: 'cpu',
    counter_type: 'cumulative',
    counter_unit: 'ns',
    counter_volume: round * 10_000_000_000 + key,
    user_id: 'f2a5a1f6f2e54d6ab1e9c5f0a7b3c8d1',
    user_name: null,
    project_id: '0c9d2a6b9d6f4bb6a6c6e6b6d3f2a1e0',
    project_name: null,
    resource_id: stableId(['resource', String(key)]),
    timestamp: new Date(start + round * 10_000).toISOString().replace('Z', '000+00:00'),
    resource_metadata: {
      display_name: `web-${key}`,
      name: `instance-${key}`,
      instance_host: `compute-${key % 97}.example.org`,
      instance_type: 'm1.medium',
      flavor: { name: 'm1.medium', vcpus: 2, ram: 4096, disk: 40, ephemeral: 0, swap: 0 },
      image: { id: stableId(['image', String(key % 7)]) },
      status: 'active',
      state: 'running',
      architecture: 'x86_64',
      os_type: 'hvm',
      vcpus: 2,
      cpu_number: 2,
      memory_mb: 4096,
      disk_gb: 40,
    },
    monotonic_time: null,
    message_id: stableId(['sample', String(key), String(round)]),
    message_signature: '',
  };
}

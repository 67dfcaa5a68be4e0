import type { Part } from '../src/model/entry.ts';
import type { Sample } from '../src/model/sample.ts';

/** Samples of `cpu` as nova's come, 860 B each as a JSON line, of keys drawn at random: the same in every run. */
const startedAt = Date.now() - 3_600_000;

export const metadata: Sample['resource_metadata'] = {
  display_name: 'web-1',
  host: 'node-17.example.org',
  instance_type: 'm1.medium',
  flavor: { id: '3', name: 'm1.medium', vcpus: 2, ram: 4096, disk: 40, ephemeral: 0, swap: 0 },
  image: {
    id: '6b0c2a1e-1f0f-4a52-9a0f-2f6d1b0c7e55',
    links: [{ href: 'http://192.0.2.5:9292/images/6b0c2a1e', rel: 'bookmark' }],
  },
  status: 'active',
  state: 'running',
  task_state: null,
  vcpus: 2,
  memory_mb: 4096,
  disk_gb: 40,
  architecture: 'x86_64',
  os_type: 'linux',
};

let drawn = 1;
function random(below: number): number {
  drawn = (Math.imul(drawn, 1664525) + 1013904223) >>> 0;
  return Math.floor((drawn / 2 ** 32) * below);
}

let made = 0;
const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');

function sample(partition: number, key: number, round: number, resource_metadata: Sample['resource_metadata']): Sample {
  made += 1;
  return {
    id: `${hex(made, 8)}-0000-1000-8000-${hex(made, 12)}`,
    source: 'openstack',
    name: 'cpu',
    type: 'cumulative',
    unit: 'ns',
    volume: round * 1_000_000_000 + key,
    user_id: '4d1f2f2a0e5b4c5f9d5e3c2b1a000001',
    user_name: null,
    project_id: '4d1f2f2a0e5b4c5f9d5e3c2b1a000002',
    project_name: null,
    resource_id: `${hex(key, 8)}-${hex(partition, 4)}-4000-8000-4d1f2f2a0e5b`,
    timestamp: `${new Date(startedAt + round * 1000).toISOString().slice(0, -1)}000`,
    resource_metadata,
    monotonic_time: null,
  };
}

export function notifications(
  partition: number,
  chosen: readonly number[],
  round: number,
  held: Sample['resource_metadata'],
  perNotification: number,
): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < chosen.length; at += perNotification) {
    const items = chosen.slice(at, at + perNotification).map((key) => sample(partition, key, round, held));
    parts.push({ id: `${items[0]?.id}-n`, items });
  }
  return parts;
}

/** `count` different keys, or all of them if there are no more. */
export function draw(count: number, keys: number): number[] {
  if (keys <= count) return Array.from({ length: keys }, (_, key) => key);
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(random(keys));
  return [...chosen];
}

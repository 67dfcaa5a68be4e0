// What a small cloud says, for ever, as JSON Lines: instances are created and polled, some come and go. For `ceilograph send -`.
//
//   generator.mjs [INSTANCES]

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';

const instances = Number(process.argv[2] ?? 30);
const everyMs = 10_000;
const run = randomUUID();

for (let round = 0; ; round++) {
  for (let i = 0; i < instances; i++) {
    const lines = round === 0 ? [lifecycle('create.start', i), lifecycle('create.end', i)] : [poll(i, round)];
    for (const line of lines) if (!process.stdout.write(`${JSON.stringify(line)}\n`)) await once(process.stdout, 'drain');
  }
  await new Promise((resolve) => setTimeout(resolve, everyMs));
}

function resource(i) {
  return `${run}-${i}`;
}

function now() {
  return new Date().toISOString().replace('T', ' ').replace('Z', '000');
}

function message(priority, eventType, payload) {
  return {
    message_id: randomUUID(),
    publisher_id: 'compute.host-1',
    event_type: eventType,
    priority,
    payload,
    timestamp: now(),
  };
}

function lifecycle(step, i) {
  return message('INFO', `compute.instance.${step}`, {
    instance_id: resource(i),
    tenant_id: `project-${i % 5}`,
    user_id: `user-${i % 7}`,
    display_name: `vm-${i}`,
    instance_type: 'm1.small',
    host: `host-${i % 6}`,
    memory_mb: 2048,
    vcpus: 2,
    disk_gb: 20,
    created_at: now(),
    launched_at: step === 'create.end' ? now() : '',
    deleted_at: '',
    state: step === 'create.end' ? 'active' : 'building',
  });
}

function poll(i, round) {
  const meter = (name, type, unit, volume) => ({
    source: 'openstack',
    counter_name: name,
    counter_type: type,
    counter_unit: unit,
    counter_volume: volume,
    user_id: `user-${i % 7}`,
    project_id: `project-${i % 5}`,
    resource_id: resource(i),
    timestamp: new Date().toISOString().replace('Z', '000+00:00'),
    resource_metadata: { display_name: `vm-${i}`, host: `host-${i % 6}`, cpu_number: 2 },
    message_id: randomUUID(),
    monotonic_time: null,
    message_signature: '',
  });
  const load = 0.1 + (i % 8) / 10;
  return message('SAMPLE', 'telemetry.polling', {
    samples: [
      meter('cpu', 'cumulative', 'ns', Math.round(round * everyMs * 1e6 * 2 * load)),
      meter('network.incoming.bytes', 'cumulative', 'B', round * (9_000 + i * 17)),
      meter('memory.usage', 'gauge', 'MB', 512 + ((i * 37 + round * 11) % 1024)),
      meter('disk.device.usage', 'gauge', 'B', 1_000_000_000 + round * 4096 * (i + 1)),
    ],
  });
}

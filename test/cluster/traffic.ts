import { stableId } from '../../src/model/stable-hash.ts';

/**
 * Small notifications in the shapes that nova and the polling agents send: each instance is created once, and polled round after round,
 * ten seconds of its own time apart: cumulative cpu and network counters in one poll, memory and its size in the next. The same numbers
 * give the same bytes.
 */
export interface Raw {
  readonly id: string;
  readonly body: string;
}

const stepMs = 10_000;

export function* traffic(count: number, instances: number, startMs: number): Generator<Raw> {
  let made = 0;
  for (let round = 0; ; round++) {
    for (let i = 0; i < instances; i++) {
      for (const raw of ofInstance(i, round, startMs + round * stepMs + (i % 97))) {
        if (made >= count) return;
        made += 1;
        yield raw;
      }
    }
  }
}

/** Event time goes on by `aheadMs`, for every meter: whatever waits for it to pass is let go. */
export function* afterwards(rounds: number, instances: number, startMs: number, aheadMs: number): Generator<Raw> {
  for (const round of [rounds, rounds + 1])
    for (let i = 0; i < instances; i++) yield* ofInstance(i, round, startMs + round * stepMs + aheadMs);
}

function ofInstance(i: number, round: number, at: number): Raw[] {
  const instance = stableId(['instance', String(i)]);
  if (round === 0) return [lifecycle('compute.instance.create.start', instance, i, at)];
  if (round === 1) return [lifecycle('compute.instance.create.end', instance, i, at)];
  return [poll(instance, i, round, at)];
}

function lifecycle(type: string, instance: string, i: number, at: number): Raw {
  const payload = {
    instance_id: instance,
    tenant_id: `project-${i % 9}`,
    user_id: `user-${i % 7}`,
    memory_mb: 2048,
    vcpus: 2,
    host: `compute-${i % 6}`,
  };
  return wire(stableId([type, instance]), type, 'INFO', at, payload);
}

function poll(instance: string, i: number, round: number, at: number): Raw {
  const common = {
    source: 'openstack',
    user_id: `user-${i % 7}`,
    user_name: null,
    project_id: `project-${i % 9}`,
    project_name: null,
    resource_id: instance,
    timestamp: `${new Date(at).toISOString().replace('Z', '')}000+00:00`,
    resource_metadata: { host: `compute-${i % 6}`, cpu_number: 1 + (i % 4) },
    monotonic_time: null,
    message_signature: '',
  };
  const meter = (name: string, type: string, unit: string, volume: number) => ({
    ...common,
    counter_name: name,
    counter_type: type,
    counter_unit: unit,
    counter_volume: volume,
    message_id: stableId(['sample', name, instance, String(round)]),
  });
  const samples =
    round % 2 === 0
      ? [
          meter('cpu', 'cumulative', 'ns', round * 10_000_000_000 + ((i * 7919 + round * 104_729) % 1_000_003)),
          meter('network.incoming.bytes', 'cumulative', 'B', round * (9_000 + i * 17)),
        ]
      : [meter('memory.usage', 'gauge', 'MB', 512 + ((i * 37 + round * 11) % 1024)), meter('memory', 'gauge', 'MB', 2048)];
  return wire(stableId(['poll', instance, String(round)]), 'telemetry.polling', 'SAMPLE', at, { samples });
}

/** Polls of so many resources, one after the other and round after round from `firstRound` on, so many samples in each. */
export function* manyResources(resources: number, perPoll: number, polls: number, firstRound = 0): Generator<Raw> {
  const startMs = Date.now();
  for (let nth = 0; nth < polls; nth++) {
    const samples = Array.from({ length: perPoll }, (_, i) => {
      const count = nth * perPoll + i;
      const [resource, round] = [count % resources, firstRound + Math.floor(count / resources)];
      const at = new Date(startMs + round * stepMs).toISOString().replace('Z', '000+00:00');
      return {
        ...{ source: 'openstack', user_id: 'user-0', user_name: null, project_id: 'project-0', project_name: null },
        ...{
          resource_id: `resource-${resource}`,
          timestamp: at,
          resource_metadata: {},
          monotonic_time: null,
          message_signature: '',
        },
        ...{ counter_name: 'cpu', counter_type: 'cumulative', counter_unit: 'ns', counter_volume: round * 1_000_000_000 },
        message_id: stableId(['of many', String(resource), String(round)]),
      };
    });
    yield wire(stableId(['many', String(firstRound), String(nth)]), 'telemetry.polling', 'SAMPLE', startMs, { samples });
  }
}

/** One sample of a meter that the others do not send. */
export function aside(meterName: string, nth: number, at: number): Raw {
  const sample = {
    source: 'openstack',
    user_id: 'user-0',
    user_name: null,
    project_id: 'project-0',
    project_name: null,
    resource_id: `resource-${nth}`,
    timestamp: new Date(at).toISOString().replace('Z', '000+00:00'),
    resource_metadata: {},
    monotonic_time: null,
    message_signature: '',
    counter_name: meterName,
    counter_type: 'gauge',
    counter_unit: 'x',
    counter_volume: nth,
    message_id: stableId(['aside', meterName, String(nth)]),
  };
  return wire(stableId(['aside poll', meterName, String(nth)]), 'telemetry.polling', 'SAMPLE', at, { samples: [sample] });
}

function wire(id: string, type: string, priority: string, at: number, payload: unknown): Raw {
  const inner = {
    message_id: id,
    publisher_id: 'compute.host',
    event_type: type,
    priority,
    payload,
    timestamp: new Date(at).toISOString().replace('T', ' ').replace('Z', '000'),
  };
  return { id, body: JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(inner) }) };
}

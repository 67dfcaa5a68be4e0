import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { job } from './job.ts';
import { benthos, telegraf } from './programs.ts';

export interface Candidate {
  readonly name: string;
  /** What it promises less, or needs to be known beside its figures. */
  readonly note: string;
  /** The command that does the job until it is ended; its files go into the folder. */
  readonly command: (folder: string, url: URL) => Promise<readonly string[]>;
  /** How many samples a message of its output holds. */
  readonly samplesIn: (body: Buffer) => number;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const listLength = (body: Buffer) => (JSON.parse(body.toString()) as readonly unknown[]).length;

const meters = `metric:
  - name: instance
    event_type: ${job.passes}
    type: gauge
    unit: instance
    volume: 1
    resource_id: $.payload.instance_id
    project_id: $.payload.tenant_id
    user_id: $.payload.user_id
    metadata:
      host: $.payload.host
      flavor: $.payload.instance_type
      state: $.payload.state
      display_name: $.payload.display_name
`;

const ours: Candidate = {
  name: 'ceilograph',
  note: 'the built agent: ids, outbox, dead letters, metrics',
  command: async (folder, url) => {
    await mkdir(join(folder, 'pipelines'));
    await writeFile(join(folder, 'meters.yaml'), meters);
    await writeFile(join(folder, 'events.yaml'), '- event_type: nothing.has.this.name\n  traits: {}\n');
    const sink = {
      sink: 'instances',
      from: 'samples',
      match: ['instance'],
      publish: [
        { amqp: { url: url.href, exchange: job.outExchange, exchange_durable: true, topic: 'peers', queue_durable: true } },
      ],
    };
    await writeFile(join(folder, 'pipelines', 'instances.yaml'), JSON.stringify(sink));
    const amqp = {
      ...{ url: url.href, exchanges: [job.exchange], topics: ['peers'], priorities: ['info'] },
      ...{ durable: true, prefetch: job.prefetch },
    };
    const config = {
      ...{ data_dir: 'data', pipelines: 'pipelines', inputs: [{ amqp }], log: { level: 'warn' } },
      definitions: { meters: ['meters.yaml'], events: ['events.yaml'] },
      conversion: { drop_unmatched_notifications: true },
    };
    await writeFile(join(folder, 'agent.yaml'), JSON.stringify(config));
    return [process.execPath, here('../../dist/cli/main.js'), 'agent', '-c', join(folder, 'agent.yaml')];
  },
  samplesIn: (body) => {
    const envelope = JSON.parse(body.toString()) as { 'oslo.message': string };
    return (JSON.parse(envelope['oslo.message']) as { payload: readonly unknown[] }).payload.length;
  },
};

const bare: Candidate = {
  name: 'bare loop',
  note: 'amqplib by hand, 100 samples per message',
  command: async (_folder, url) => [process.execPath, '--import', 'tsx', here('bare-loop.ts'), url.href],
  samplesIn: listLength,
};

const withBenthos: Candidate = {
  name: 'benthos',
  note: '100 samples per message',
  command: async (folder, url) => {
    const mapping = `let n = this."oslo.message".parse_json()
let p = $n.payload
root = if $n.event_type != "${job.passes}" { deleted() } else {
  {
    "name": "instance", "type": "gauge", "unit": "instance", "volume": 1, "resource_id": $p.instance_id,
    "project_id": $p.tenant_id, "user_id": $p.user_id, "timestamp": $n.timestamp, "id": $n.message_id, "source": "openstack",
    "resource_metadata": { "host": $p.host, "flavor": $p.instance_type, "state": $p.state, "display_name": $p.display_name }
  }
}`;
    const out = { urls: [url.href], exchange: job.outExchange, key: job.outQueue, persistent: true, max_in_flight: 64 };
    const config = {
      http: { enabled: false },
      logger: { level: 'WARN' },
      shutdown_timeout: '5s',
      input: { amqp_0_9: { urls: [url.href], queue: job.queue, prefetch_count: job.prefetch } },
      pipeline: { threads: 1, processors: [{ mapping }] },
      // Its output gathers nothing by itself; the broker around it does.
      output: {
        broker: {
          batching: { count: job.perMessage, period: '20ms', processors: [{ archive: { format: 'json_array' } }] },
          outputs: [{ amqp_0_9: out }],
        },
      },
    };
    await writeFile(join(folder, 'benthos.yaml'), JSON.stringify(config));
    return [await benthos(), '-c', join(folder, 'benthos.yaml')];
  },
  samplesIn: listLength,
};

const withTelegraf: Candidate = {
  name: 'telegraf',
  note: '1,000 metrics per message; asks for no confirms, so it promises less',
  command: async (folder, url) => {
    const broker = `brokers = ["amqp://${url.host}/"]\n  username = "${url.username}"\n  password = "${url.password}"`;
    // The metric is changed in place: a new one would lose the tracking that carries the acknowledgement.
    const config = `[agent]
  interval = "10s"
  flush_interval = "1s"
  metric_batch_size = 1000
  metric_buffer_limit = 200000
  omit_hostname = true
  quiet = true
[[inputs.amqp_consumer]]
  ${broker}
  exchange = ""
  queue = "${job.queue}"
  queue_passive = true
  prefetch_count = ${job.prefetch}
  max_undelivered_messages = 5000
  data_format = "value"
  data_type = "string"
[[processors.starlark]]
  source = '''
load("json.star", "json")
def apply(metric):
    n = json.decode(json.decode(metric.fields["value"])["oslo.message"])
    if n["event_type"] != "${job.passes}":
        return None
    p = n["payload"]
    metric.name = "instance"
    metric.tags.clear()
    metric.tags["resource_id"] = p["instance_id"]
    metric.tags["project_id"] = p["tenant_id"]
    metric.tags["user_id"] = p["user_id"]
    metric.tags["id"] = n["message_id"]
    metric.tags["source"] = "openstack"
    metric.tags["type"] = "gauge"
    metric.tags["unit"] = "instance"
    metric.tags["host"] = p["host"]
    metric.tags["flavor"] = p["instance_type"]
    metric.tags["state"] = p["state"]
    metric.fields.clear()
    metric.fields["volume"] = 1
    metric.fields["timestamp"] = n["timestamp"]
    metric.fields["display_name"] = p["display_name"]
    return metric
'''
[[outputs.amqp]]
  ${broker}
  exchange = "${job.outExchange}"
  exchange_type = "topic"
  exchange_passive = true
  routing_key = "${job.outQueue}"
  delivery_mode = "persistent"
  use_batch_format = true
  data_format = "json"
  timeout = "20s"
`;
    await writeFile(join(folder, 'telegraf.conf'), config);
    return [await telegraf(), '--config', join(folder, 'telegraf.conf')];
  },
  samplesIn: (body) => (JSON.parse(body.toString()) as { metrics: readonly unknown[] }).metrics.length,
};

export const candidates: readonly Candidate[] = [ours, bare, withBenthos, withTelegraf];

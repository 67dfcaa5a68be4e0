import { z } from 'zod';
import { SpoolerSchema } from '../core/spool/settings.ts';
import { isLoopback } from '../lib/loopback.ts';
import { priorities } from '../model/notification.ts';
import { CoordinationSchema, TopicsSchema } from './cluster-schema.ts';
import { LivenessSchema } from './liveness-schema.ts';
import { MailSchema } from './mail-schema.ts';
import { SinkName } from './sink-schema.ts';

const HostPort = z
  .string()
  .regex(/^(?:\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$|^off$/, {
    error: 'expected host:port, such as 127.0.0.1:8788, or off',
    abort: true,
  })
  .transform((text) => {
    if (text === 'off') return null;
    const colon = text.lastIndexOf(':');
    return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
  })
  .refine((listen) => listen === null || listen.port <= 65_535, 'expected a port up to 65535');

const files = z.array(z.string().min(1)).default([]);
const ms = (value: number) => z.int().min(1).default(value);

/** The agent's file. Everything has a default but the inputs; environment (`CEILOGRAPH_LOG_LEVEL`) and flags win over it. */
export const AgentFile = z
  .strictObject({
    cluster: SinkName.default('ceilograph').describe('Agents with the same name share topics and state.'),
    data_dir: z
      .string()
      .min(1)
      .default('var')
      .describe('Topics, state, held outputs and dead letters. On a local disk, not on NFS.'),
    coordination: CoordinationSchema,
    topics: TopicsSchema,
    inputs: z.array(z.unknown()).max(32).default([]).describe('Where notifications come from.'),
    spooler: SpoolerSchema.optional().describe('Notifications to and from other sites.'),
    liveproxy: z
      .string()
      .min(1)
      .optional()
      .describe('The file of a Livestatus proxy that this agent runs as well, as `ceilograph liveproxy -c` does.'),
    pipelines: z.string().min(1).default('pipelines').describe('The folder of the sinks, one YAML file each.'),
    definitions: z
      .strictObject({
        meters: files.describe('Meter definitions, files or folders. Empty: those that come with the product.'),
        events: files.describe('Event definitions, files or folders. Empty: those that come with the product.'),
      })
      .prefault({})
      .describe('How notifications become samples and events.'),
    conversion: z
      .strictObject({
        compat: z
          .boolean()
          .default(false)
          .describe('Exactly as Ceilometer, defects included: what it cannot convert comes again for ever.'),
        store_raw: z.array(z.enum(priorities)).default([]).describe('Events of these priorities carry the whole notification.'),
        drop_unmatched_notifications: z
          .boolean()
          .default(false)
          .describe('No event for a notification that no definition matches; else one with the default traits.'),
        ack_on_event_error: z
          .boolean()
          .default(true)
          .describe('A notification whose event cannot be built still counts as taken. Without it, it becomes a dead letter.'),
        sample_source: z.string().min(1).default('openstack').describe('The source that samples name.'),
        reserved_metadata_namespace: z
          .array(z.string().min(1))
          .default(['metering.'])
          .describe('What of `user_metadata` is kept: keys that begin so, without that beginning.'),
        reserved_metadata_keys: z.array(z.string().min(1)).default([]).describe('And these keys.'),
        reserved_metadata_length: z.int().min(0).default(256).describe('How long such a text may be; the rest is cut.'),
      })
      .prefault({})
      .describe("Mostly Ceilometer's options of the same names."),
    limits: z
      .strictObject({
        max_message_bytes: z
          .int()
          .min(1024)
          .default(1024 * 1024)
          .describe('A larger notification becomes a dead letter.'),
        // What is taken here is later held in states and outboxes, some levels deeper: their reader stops at 128.
        max_depth: z.int().min(4).max(100).default(32).describe('So does one nested deeper.'),
        max_string: z
          .int()
          .min(1024)
          .default(64 * 1024)
          .describe('And one with a longer text (UTF-16 units).'),
        max_samples_per_notification: z.int().min(1).default(10_000).describe('And one that would give more samples.'),
      })
      .prefault({}),
    admin: z
      .strictObject({
        listen: HostPort.default(null).describe(
          'Where `/livez`, `/readyz`, `/metrics` and `/v1/…` are served: `127.0.0.1:8788`, or `off`. Of several workers each takes the next port.',
        ),
        token_file: z
          .string()
          .min(1)
          .optional()
          .describe('A file with the bearer token that requests must carry (`/livez` and `/readyz` need none). Read at start.'),
      })
      .prefault({})
      .refine((admin) => admin.listen === null || isLoopback(admin.listen.host) || admin.token_file !== undefined, {
        path: ['listen'],
        error: 'listening beyond this machine needs `token_file`',
      }),
    mail: MailSchema,
    liveness: LivenessSchema,
    log: z
      .strictObject({
        level: z
          .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
          .default('info')
          .describe('The least that is logged.'),
      })
      .prefault({}),
    agent: z
      .strictObject({
        static_id: SinkName.optional().describe('A name that survives restarts, so that the same partitions come back.'),
        weight: z.number().min(0.1).max(100).default(1).describe('The share of partitions, compared with the other agents.'),
        workers: z.int().min(1).max(64).default(1).describe('Processes on this machine.'),
        watch: z
          .boolean()
          .default(false)
          .describe('Load agent file, sinks and definitions anew whenever they change, as SIGHUP does.'),
      })
      .prefault({}),
    timing: z
      .strictObject({
        linger_ms: z.int().min(0).default(50).describe('How long entries are gathered before they are appended together.'),
        lease_ttl_ms: ms(10_000).describe('A partition whose owner is silent for so long goes to another agent.'),
        renew_ms: ms(3000).describe('How often a lease is renewed; at most a third of its life.'),
        heartbeat_ms: ms(3000).describe('How often an agent says that it is there.'),
        rejoin_grace_ms: z
          .int()
          .min(0)
          .default(20_000)
          .describe(
            'How long the partitions of an agent with a `static_id` wait for it when it is gone, so that a rolling restart moves none of them. ' +
              'An agent that was killed is first missed after `lease_ttl_ms`; 0: they go to others at once.',
          ),
        tick_ms: ms(1000).describe('How often a partition is told the time.'),
        drain_ms: ms(20_000).describe('How long a stopping agent may finish its work.'),
      })
      .prefault({})
      .refine((timing) => timing.renew_ms * 3 <= timing.lease_ttl_ms, {
        path: ['renew_ms'],
        error: 'expected at most a third of lease_ttl_ms, so that two lost renewals do not lose the partition',
      }),
    telemetry_secret: z
      .string()
      .optional()
      .describe("Ceilometer's `telemetry_secret`, which signs what is published to it. Better as a file."),
    telemetry_secret_file: z.string().min(1).optional().describe('A file with that secret.'),
    topic_bound_bytes: z
      .int()
      .min(1024 * 1024)
      .default(256 * 1024 * 1024)
      .describe('A partition that holds so much refuses more; the inputs then wait.'),
  })
  .refine((agent) => (agent.coordination === 'off') === (agent.topics === 'embedded'), {
    path: ['topics'],
    error:
      'agents that share work through Redis need topics that all of them reach: `coordination.redis` and `topics.amqp` (or `topics.kafka`) come together',
  })
  .describe('One agent of ceilograph: where notifications come from and what it runs with.');

export type AgentFileValues = z.output<typeof AgentFile>;

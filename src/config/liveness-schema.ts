import { z } from 'zod';
import { duration } from '../core/transformers/duration.ts';

const ReportRule = z.strictObject({
  match: z.array(z.string().min(1)).min(1).describe("Names of meters, by Ceilometer's rules."),
  host: z
    .string()
    .min(1)
    .default('resource_id')
    .describe('What of a sample names the host: `resource_id`, `resource_metadata.host`.'),
  service: z.string().min(1).default('name').describe('What names the service, or `=uptime` for always this one.'),
});

/** `liveness` of the agent's file. */
export const LivenessSchema = z
  .union([
    z.literal('off'),
    z.strictObject({
      inventory: z
        .union([
          z.string().min(1),
          z.strictObject({ files: z.string().min(1).describe('A folder of YAML files, or one file.') }),
          z.strictObject({
            http: z.url({ protocol: /^https?$/ }).describe('Where it is served, as YAML or JSON.'),
            token_file: z.string().min(1).optional().describe('A file with the bearer token to show there.'),
          }),
          z.strictObject({
            sql: z.url({ protocol: /^postgres(?:ql)?$/ }).describe('`postgresql://user@host:5432/database`.'),
            password_file: z.string().min(1).optional().describe('A file with the password; wins over the one in the URL.'),
            query: z
              .string()
              .min(1)
              .describe('Gives rows of `kind` (`template`, `group` or `host`), `name` and `definition` (json, as in the files).'),
            update: z
              .string()
              .min(1)
              .optional()
              .describe('Run at every change of status: `$1` host, `$2` status (a number), `$3` since, `$4` reason.'),
          }),
        ])
        .default('pipelines/liveness')
        .describe('Who is expected to report what: a folder of YAML files, one file, an address, or a query.'),
      reload: duration
        .prefault('120s')
        .describe(
          'How often the inventory is read again. It is also read when a file changes and on SIGHUP; one that is wrong leaves the old.',
        ),
      partitions: z
        .int()
        .min(1)
        .max(1024)
        .default(16)
        .describe('How many shares of the hosts there are to spread over the agents.'),
      reports: z
        .array(ReportRule)
        .max(64)
        .default([])
        .describe('Samples that count as reports, beside those that are sent as such.'),
      slack: duration
        .prefault('10s')
        .describe(
          'Added to every tolerance: what a feed may stall without anybody noticing. Below 10s a healthy host may be told as late.',
        ),
      first_report: duration
        .prefault('120s')
        .describe('How long a host that is new may take for its first report, where its interval and tolerance are shorter.'),
      recover_after: z.int().min(1).max(100).default(1).describe('Reports in time until a late service counts as back;'),
      recover_after_flapping: z.int().min(1).max(100).default(2).describe('the same for a host that goes to and fro.'),
      hold: duration
        .prefault('30s')
        .describe('How long a host that is down is held before it is told: it may be back, or one of many.'),
      storm_hosts: z.int().min(2).default(10).describe('So many hosts down within the hold are told as one,'),
      storm_percent: z
        .int()
        .min(0)
        .max(100)
        .default(20)
        .describe('if they are at least so many hundredths of their group, or of all.'),
      remind: duration.prefault('4h').describe('How often what lasts is told again.'),
      mirror: z
        .strictObject({
          url: z.url({ protocol: /^rediss?$/ }).describe('`redis://host:6379/0`.'),
          password_file: z.string().min(1).optional().describe('A file with the password; wins over the one in the URL.'),
        })
        .optional()
        .describe(
          'A Redis whose readers know `host_<host>_trigger_<trigger>`: these keys are kept there while something is wrong.',
        ),
      livestatus: z
        .strictObject({
          socket: z.string().min(1).describe('The UNIX socket, such as `/run/ceilograph/live`.'),
          mode: z
            .string()
            .regex(/^0?[0-7]{3}$/, 'expected an octal mode such as "0660"')
            .default('0660')
            .describe('Its mode.'),
          group: z.string().min(1).optional().describe('Its group, whose members may ask. Without it: ours.'),
        })
        .optional()
        .describe('Serve hosts, services and groups as a Livestatus site, for Thruk, Checkmk, NagVis and the like.'),
      compat: z
        .literal('crazymonitor')
        .optional()
        .describe('As the loop this descends from, its defects included: false problems at every start, alerts at every look.'),
    }),
  ])
  .default('off')
  .describe('Hosts and their services that are expected to report: who is late, down, and back.');

export type LivenessValues = Exclude<z.output<typeof LivenessSchema>, 'off'>;

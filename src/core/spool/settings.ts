import { z } from 'zod';
import { TlsFiles } from '../../model/tls-files.ts';

const seconds = (value: number, least = 1) => z.number().min(least).max(86_400).default(value);
const Encryption = z.enum(['encrypted', 'unencrypted']);
const Protocol = z
  .enum(['forward', 'relp'])
  .default('forward')
  .describe("Fluent's Forward v1; or RELP with rsyslog, which knows no key and no sign of life, and where the source dials.");
const TlsServer = z.strictObject({
  cert_file: z.string().min(1).describe('Our certificate chain (PEM).'),
  key_file: z.string().min(1).describe('Its key (PEM).'),
  client_ca_file: z.string().min(1).optional().describe('Demand a client certificate of this authority (PEM).'),
});

const Server = z
  .strictObject({
    address: z.string().min(1).describe('Name or IP address, IPv6 without brackets.'),
    port: z.int().min(1).max(65_535).default(6675),
    protocol: Protocol,
    encryption: Encryption.optional().describe('`unencrypted` must be said. Without it: `encrypted` where `tls` stands.'),
    tls: TlsFiles.optional().describe('Whom to trust and who we are.'),
  })
  .refine((server) => (server.tls === undefined) === (server.encryption !== 'encrypted') || server.encryption === undefined, {
    path: ['encryption'],
    error: '`encrypted` needs `tls`, and with `tls` nothing is sent in plain: leave one of them out',
  });

/** `spooler:` the names of the settings are those of the first draft of Checkmk's notification spooler. */
export const SpoolerSchema = z
  .strictObject({
    role: z
      .enum(['standalone', 'source', 'sink'])
      .default('standalone')
      .describe(
        '`source` sends what is spooled, `sink` takes it, `standalone` speaks with nobody. A site is never both: there are no relays.',
      ),
    site: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,100}$/)
      .optional()
      .describe('Our name for the others. Without it: the name of the host.'),
    tcp_server: z
      .strictObject({
        listen: z.int().min(0).max(65_535).default(6675).describe('The port.'),
        protocol: Protocol,
        address: z.string().min(1).default('127.0.0.1').describe('The address to listen on; `::` for all.'),
        encryption: Encryption.optional().describe(
          '`unencrypted` must be said beyond this machine. Without it: `encrypted` where `tls` stands.',
        ),
        tls: TlsServer.optional().describe('Our certificate.'),
      })
      .optional()
      .describe('Listen for the others.'),
    tcp_client: z
      .strictObject({
        servers: z
          .array(Server)
          .min(1)
          .max(200)
          .describe('Whom to dial. A source names one; more are used when those before fail.'),
        cooldown: seconds(4, 0.1).describe('Seconds until a dead connection is dialled again; up to one more at random.'),
      })
      .optional()
      .describe('Dial the others.'),
    send_heartbeat: seconds(10, 0.1).describe('Seconds between the signs of life of a source.'),
    expect_heartbeat: seconds(15, 0.1).describe('Seconds of silence after which a sink gives a connection up. Any byte counts.'),
    shared_key_file: z.string().min(1).optional().describe('A file with the key that both sides must know.'),
    delivery: z
      .enum(['one', 'all'])
      .default('one')
      .describe(
        'Of several sinks `one` gets each notification, the next when it fails; `all`: each of `sinks` gets its own copy.',
      ),
    sinks: z.array(z.string().min(1)).max(20).default([]).describe('With `delivery: all`, the site names of the sinks.'),
    expected_peers: z
      .array(z.string().min(1))
      .max(500)
      .default([])
      .describe('Sites that must be connected; `spool check` is critical without them.'),
    gzip: z.boolean().default(false).describe('A source sends compressed.'),
    max_unacknowledged: z
      .int()
      .min(1)
      .max(100_000)
      .default(128)
      .describe(
        'At most so many chunks of a connection wait for their acknowledgement; one holds up to 64 notifications or 64 KiB, all of them up to 512 or 16 MiB.',
      ),
    max_notification_bytes: z
      .int()
      .min(1024)
      .max(256 * 1024 * 1024)
      .default(8 * 1024 * 1024)
      .describe('A larger one is not spooled, and a connection that sends one is closed.'),
    acknowledge_within: seconds(30, 0.1).describe(
      'Seconds after which another sink, if there is one, gets what is unacknowledged.',
    ),
    deferred_cooldown: seconds(180, 0.1).describe('Seconds until a deferred notification is tried again.'),
    deferred_force_retransmit: seconds(1800, 0.1).describe(
      'Seconds after which what is unacknowledged is sent again in any case.',
    ),
    remember: z
      .number()
      .min(1)
      .default(86_400)
      .describe('Seconds that a sink knows ids again; at least `deferred_force_retransmit`.'),
    max_spool_bytes: z
      .int()
      .min(1024)
      .default(1024 * 1024 * 1024)
      .describe('The bound of what waits on disk, to be sent or to be taken.'),
    on_full: z
      .enum(['reject', 'drop_oldest'])
      .default('reject')
      .describe('At the bound of what is to be sent: `reject` makes the sender wait, `drop_oldest` drops and counts.'),
    checkmk_settings: z
      .array(z.string().min(1))
      .max(20)
      .default([])
      .describe(
        "Files with Checkmk's own settings (`*.mk`), understood in place of ours; ignored, with a message, once `role` is set.",
      ),
    checkmk_spool: z
      .string()
      .min(1)
      .optional()
      .describe('The folder `notify/spool` of a Checkmk site: what its notification module spools is taken in.'),
    status_file: z
      .string()
      .min(1)
      .default('log/mknotifyd.status')
      .describe('Rewritten every `status_interval`; `.json` beside it. Below `data_dir`.'),
    status_interval: seconds(5, 0.1).describe('Seconds between two of them.'),
  })
  .refine((spooler) => spooler.remember >= spooler.deferred_force_retransmit, {
    path: ['remember'],
    error: 'expected at least `deferred_force_retransmit`, else what is sent again would count twice',
  })
  .refine((spooler) => spooler.role !== 'standalone' || (spooler.tcp_server ?? spooler.tcp_client) === undefined, {
    path: ['role'],
    error: 'a standalone site speaks with nobody: say `source` or `sink`, or leave out `tcp_server` and `tcp_client`',
  })
  .refine((spooler) => spooler.role === 'standalone' || (spooler.tcp_server ?? spooler.tcp_client) !== undefined, {
    path: ['role'],
    error: 'a source or a sink needs `tcp_server` or `tcp_client`, or both',
  })
  .refine((spooler) => spooler.role !== 'source' || spooler.tcp_server?.protocol !== 'relp', {
    path: ['tcp_server', 'protocol'],
    error: 'with RELP the one who dials sends: a source has `tcp_client`',
  })
  .refine(
    (spooler) => spooler.role !== 'sink' || spooler.tcp_client?.servers.every((server) => server.protocol !== 'relp') !== false,
    {
      path: ['tcp_client', 'servers'],
      error: 'with RELP the one who dials sends: a sink has `tcp_server`',
    },
  )
  .refine((spooler) => (spooler.delivery === 'all') === spooler.sinks.length > 0, {
    path: ['sinks'],
    error: '`delivery: all` and `sinks` come together',
  });
export type SpoolerSettings = z.output<typeof SpoolerSchema>;

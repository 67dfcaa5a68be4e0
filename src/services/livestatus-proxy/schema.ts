import { z } from 'zod';
import { staticTables } from '../../core/livestatus/cacheable.ts';

/** The file of `ceilograph liveproxy`. Names of the settings are those of the first draft of such a proxy, and Checkmk's beside them. */

const seconds = () => z.number().min(0.1).max(86_400);
const socketPattern = /^(?:unix:\/.+|(?:tcp|tls):[^\s:[\]]+:\d{1,5}|(?:tcp|tcp6|tls):\[[0-9a-fA-F:.]+\]:\d{1,5})$/;

const TcpDoorFile = z
  .strictObject({
    host: z.string().min(1).default('::').describe('The address to listen on.'),
    port: z.int().min(1).max(65_535).describe('The port to listen on.'),
    only_from: z
      .array(z.string().min(1))
      .min(1)
      .describe('Addresses and networks that may connect; all others are closed at once.'),
    cert_file: z.string().min(1).optional().describe('Our certificate (PEM): clients must speak TLS. Needs `key_file`.'),
    key_file: z.string().min(1).optional().describe('The key of our certificate (PEM).'),
  })
  .refine((door) => (door.cert_file === undefined) === (door.key_file === undefined), 'cert_file and key_file come together');

const CacheFile = z.strictObject({
  max_age: seconds().default(60).describe('Seconds after which a kept answer is asked for again.'),
  tables: z
    .array(z.enum([...staticTables]))
    .optional()
    .describe('Only static columns of these tables. Without it: all of them.'),
});

/** What every site may say, and `defaults` for all of them. */
const siteFields = {
  number_of_channels: z.int().min(1).max(500).optional().describe('Channels to the site at most; Checkmk: `channels`. 10.'),
  channels: z.int().min(1).max(500).optional().describe("Checkmk's name of `number_of_channels`."),
  wait_for_free_channel: seconds().optional().describe('Seconds a client waits for a channel; Checkmk: `channel_timeout`. 5.'),
  channel_timeout: seconds().optional().describe("Checkmk's name of `wait_for_free_channel`."),
  heartbeat_interval: seconds().optional().describe('Seconds between two heartbeats. 3.'),
  heartbeat_timeout: z
    .number()
    .min(0)
    .max(10_000)
    .optional()
    .describe('Percent over the typical response time after which one is late. 50.'),
  heartbeat: z.tuple([seconds(), seconds()]).optional().describe('Checkmk: interval, and a fixed time after which one is late.'),
  maximum_response_time: seconds().optional().describe('Seconds a query may take; Checkmk: `query_timeout`. 120.'),
  query_timeout: seconds().optional().describe("Checkmk's name of `maximum_response_time`."),
  connect_retry: seconds().optional().describe('Seconds until a dead site is tried again, at most. 4.'),
  channel_policy: z
    .enum(['auto', 'persistent', 'ondemand'])
    .optional()
    .describe('Keep channels open, connect for each query, or learn it from the server. auto.'),
  workers: z
    .int()
    .min(2)
    .max(1000)
    .optional()
    .describe('How many connections the server can work on at once; one of them is left to others.'),
  cache: z
    .union([z.boolean(), CacheFile])
    .optional()
    .describe('Keep answers from static tables. Off unless switched on: what is kept can be old.'),
  client_buffer_bytes: z
    .int()
    .min(65_536)
    .optional()
    .describe('So much of an answer waits in memory for a slow client. 16777216.'),
  max_request_bytes: z.int().min(4096).optional().describe('A longer request is refused. 1048576.'),
  max_clients: z.int().min(1).optional().describe('Connections of clients at once. 1000.'),
};

const names = [
  ['number_of_channels', 'channels'],
  ['wait_for_free_channel', 'channel_timeout'],
  ['maximum_response_time', 'query_timeout'],
  ['heartbeat_interval', 'heartbeat'],
  ['heartbeat_timeout', 'heartbeat'],
] as const;

const onlyOneName = (values: Readonly<Record<string, unknown>>, context: z.RefinementCtx) => {
  for (const [ours, theirs] of names)
    if (values[ours] !== undefined && values[theirs] !== undefined)
      context.addIssue({ code: 'custom', path: [theirs], message: `says the same as ${ours}, expected one of the two` });
};

export const SiteFile = z
  .strictObject({
    socket: z
      .string()
      .regex(socketPattern, 'expected unix:/path, tcp:host:port, tcp6:[address]:port or tls:host:port')
      .describe('Where the Livestatus of the site answers.'),
    tls: z
      .strictObject({
        ca_file: z.string().min(1).optional().describe('Certificates to trust instead of the system ones (PEM).'),
        server_name: z.string().min(1).optional().describe('The name its certificate must have, when not the host.'),
        verify: z
          .boolean()
          .default(true)
          .describe('Refuse a server whose certificate is not trusted. Switch off for a trial only.'),
      })
      .optional()
      .describe('For `tls:`.'),
    tcp: TcpDoorFile.optional().describe('Also listen on TCP for this site.'),
    ...siteFields,
  })
  .superRefine(onlyOneName);
export type SiteFile = z.output<typeof SiteFile>;

const SiteName = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/,
    'expected letters, digits, _ . -, at most 64 of them: it becomes the name of a file',
  );

export const LiveproxyFile = z
  .strictObject({
    run_dir: z.string().min(1).default('/run/ceilograph').describe('The sockets are in its folder `liveproxy`.'),
    state_file: z
      .string()
      .min(1)
      .optional()
      .describe("The state, in Checkmk's format, written every five seconds. `<run_dir>/liveproxyd.state`."),
    pid_file: z.string().min(1).optional().describe('Who we are, for the start script. `<run_dir>/liveproxyd.pid`.'),
    log_file: z.string().min(1).default('var/log/livepd.log').describe('Where `--daemon` writes its log.'),
    metrics_listen: z
      .string()
      .regex(
        /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\]):\d{1,5}$/,
        'expected an address of this machine with a port, such as 127.0.0.1:8789',
      )
      .optional()
      .describe('Where `/healthz`, `/metrics` and `/v1/status` are served, on this machine only.'),
    socket_mode: z
      .string()
      .regex(/^0?[0-7]{3}$/, 'expected an octal mode such as "0660"')
      .default('0660')
      .describe('The mode of the sockets.'),
    socket_user: z.string().min(1).optional().describe('Their user. Without it: ours.'),
    socket_group: z.string().min(1).optional().describe('Their group. Without it: ours.'),
    own_site: SiteName.optional().describe(
      'Also serve this process itself under this name: tables `status`, `columns`, `sites` and `hosts`.',
    ),
    defaults: z.strictObject(siteFields).superRefine(onlyOneName).prefault({}).describe('For all sites.'),
    sites: z.record(SiteName, SiteFile).describe('The sites by name; each gets a socket of that name.'),
  })
  .refine((file) => file.own_site === undefined || !Object.hasOwn(file.sites, file.own_site), {
    path: ['own_site'],
    error: 'is the name of a site too',
  });
export type LiveproxyFile = z.output<typeof LiveproxyFile>;

import type { AnnounceSettings } from '../core/liveness/announce.ts';
import type { TurnSettings } from '../core/liveness/host-turn.ts';
import type { SpoolerSettings } from '../core/spool/settings.ts';
import type { KafkaConnection } from '../model/kafka-connection.ts';
import type { MailServer } from '../model/mail.ts';
import type { Priority } from '../model/notification.ts';
import type { TlsFiles } from '../model/tls-files.ts';

export interface InputConfig {
  readonly kind: string;
  /** Unique within the agent. */
  readonly name: string;
  /** As the kind's schema parsed them. */
  readonly parameters: unknown;
}

/** Embedded, on one machine; or Redis with internal topics on RabbitMQ. */
export type Coordination = { readonly kind: 'off' } | ClusterConfig;

/** What mails go through. Paths are absolute; secrets stay in their files. */
export interface MailConfig {
  readonly from: string;
  /** Null: the name of this machine. */
  readonly hello: string | null;
  readonly servers: readonly MailServer[];
  readonly dkim: { readonly domain: string; readonly selector: string; readonly keyFile: string } | null;
  readonly caps: { readonly deliveries: number; readonly bytes: number };
  readonly onUncertain: 'retry' | 'hold';
  readonly outcomes: 'grouped' | 'each';
  readonly schedule: { readonly firstMs: number; readonly longestMs: number; readonly greylistMs: number };
  readonly answerMs: number;
}

export interface ClusterConfig {
  readonly kind: 'redis';
  readonly redis: {
    readonly url: string;
    readonly aclUser: string | null;
    readonly passwordFile: string | null;
    readonly tls: TlsFiles | undefined;
    /** Who says where the primary is; then the host in `url` is its name. */
    readonly sentinels: {
      readonly hosts: readonly string[];
      readonly aclUser: string | null;
      readonly passwordFile: string | null;
    } | null;
    /** `empty` has been accepted with its loss. */
    readonly recovery: 'refuse' | 'reseed' | 'empty';
  };
  readonly topics:
    | {
        readonly kind: 'amqp';
        readonly urls: readonly string[];
        readonly passwordFile: string | null;
        readonly tls: TlsFiles | undefined;
      }
    | {
        readonly kind: 'kafka';
        readonly connection: KafkaConnection;
        /** Null: three, or as many as there are brokers. */
        readonly replication: number | null;
      };
  readonly keysFile: string;
}

/** Where it is said who is expected to report. Paths are absolute; a folder or a file. */
export type InventorySource =
  | { readonly kind: 'files'; readonly path: string }
  | { readonly kind: 'http'; readonly url: string; readonly tokenFile: string | null }
  | SqlSource;

/** A query against PostgreSQL, and the statement that writes a status back. */
export interface SqlSource {
  readonly kind: 'sql';
  readonly url: string;
  readonly passwordFile: string | null;
  readonly query: string;
  /** Null: nothing is written there. */
  readonly update: string | null;
}

/** Hosts and their services that are expected to report. */
export interface LivenessConfig {
  readonly inventory: InventorySource;
  /** A Redis whose readers know the original's keys; null: none. */
  readonly mirror: { readonly url: string; readonly passwordFile: string | null } | null;
  /** A UNIX socket that answers Livestatus. */
  readonly livestatus: { readonly socket: string; readonly mode: number; readonly group: string | null } | null;
  readonly reloadMs: number;
  readonly partitions: number;
  /** Samples that count as reports. */
  readonly reports: readonly { readonly match: readonly string[]; readonly host: string; readonly service: string }[];
  /** As the loop this descends from, its defects included. */
  readonly compat: 'crazymonitor' | null;
  readonly judging: TurnSettings;
  readonly announcing: AnnounceSettings;
}

/** What one agent process runs with. Complete: every default is filled in, every path absolute, every secret read. */
export interface AgentConfig {
  /** `[a-z0-9_-]+`. Agents of one cluster name share topics and state. */
  readonly cluster: string;
  /** Topics, state, held outputs and dead letters. On a local disk. */
  readonly dataDir: string;
  readonly coordination: Coordination;
  readonly inputs: readonly InputConfig[];
  /** Null: no notification is sent to other sites or taken from them. */
  readonly spooler: SpoolerSettings | null;
  /** The file of the Livestatus proxy that runs in this agent; null: none. */
  readonly liveproxy: string | null;
  readonly pipelinesDir: string;
  /** Files or folders; empty: the definitions that come with the product. */
  readonly definitions: { readonly meters: readonly string[]; readonly events: readonly string[] };
  readonly conversion: {
    /** Exactly Ceilometer, its defects included: a definition that cannot be used is left out, an unusable notification comes again for ever. */
    readonly compat: boolean;
    /** Events of these priorities carry the whole notification (Ceilometer's `store_raw`). */
    readonly storeRaw: readonly Priority[];
    /** Ceilometer's `drop_unmatched_notifications`: no event for types without a definition. */
    readonly dropUnmatchedNotifications: boolean;
    /** Ceilometer's `ack_on_event_error`; false: a notification whose event cannot be built is a dead letter. */
    readonly ackOnEventError: boolean;
    readonly sampleSource: string;
    readonly reservedMetadata: {
      readonly namespace: readonly string[];
      readonly keys: readonly string[];
      readonly length: number;
    };
  };
  readonly limits: {
    readonly maxMessageBytes: number;
    readonly maxDepth: number;
    readonly maxString: number;
    readonly maxSamplesPerNotification: number;
  };
  readonly admin: { readonly listen: { readonly host: string; readonly port: number } | null; readonly tokenFile: string | null };
  /** Null: no mails are sent. */
  readonly mail: MailConfig | null;
  /** Null: nobody is expected to report. */
  readonly liveness: LivenessConfig | null;
  readonly log: { readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent' };
  readonly agent: {
    readonly staticId: string | null;
    readonly weight: number;
    readonly workers: number;
    /** Its files are taken up whenever they change. */
    readonly watch: boolean;
  };
  readonly timing: {
    /** How long the listener gathers entries before it appends them. */
    readonly lingerMs: number;
    readonly leaseTtlMs: number;
    readonly renewMs: number;
    readonly heartbeatMs: number;
    readonly rejoinGraceMs: number;
    readonly tickMs: number;
    /** On SIGTERM: how long to drain before leaving anyway. */
    readonly drainMs: number;
  };
  /** Ceilometer's `telemetry_secret`; null: signatures are empty. */
  readonly telemetrySecret: string | null;
  /** A partition's topic refuses beyond so many bytes; the inputs then wait. */
  readonly topicBoundBytes: number;
  /** Where relative paths of inputs and publishers are meant from: the folder of the agent's file, else the working directory. */
  readonly baseDir: string;
  /** The file it was read from, or null. */
  readonly origin: string | null;
}

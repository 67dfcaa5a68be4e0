import type { AgentConfig } from '../config/agent-config.ts';
import type { Setup } from '../config/load-setup.ts';
import type { SinkConfig } from '../config/sink-config.ts';
import type { Converter } from '../core/convert/converter.ts';
import type { Clock } from '../lib/clock.ts';
import type { ItemCodec } from '../pipeline/item-codec.ts';
import type { Emit } from '../telemetry/events.ts';
import type { Scrape } from './open-admin.ts';

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly sinks: readonly SinkConfig[];
  readonly converter: Converter;
  /** Of what the converter was made of, to tell agents with other definitions apart. */
  readonly conversionHash?: string;
  /** Reads the files anew, for a reload; throws a `ConfigError`. */
  readonly load?: () => Promise<Setup>;
  readonly codec: ItemCodec;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly random: () => number;
  readonly version: string;
  /** Inputs that only one process of several may open (a port, a file) are left out in the others. */
  readonly exclusiveInputs: boolean;
  /** Only computes and publishes what waits in the topics: opens no input, and makes no entries that would wait there in their turn. */
  readonly drains?: boolean;
  /** Prints the metrics for `admin.listen`; without it nothing is served. */
  readonly scrape?: Scrape;
}

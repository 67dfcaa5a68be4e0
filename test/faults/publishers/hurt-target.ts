import type { Sample } from '../../../src/model/sample.ts';
import type { Publisher, PublisherContext } from '../../../src/publishers/publisher.ts';
import { publishers } from '../../../src/publishers/registry.ts';
import { startProxy, type TcpProxy } from '../../services/tcp-proxy.ts';

/** One kind of publisher with its real target behind a wire that can be hurt. */
export interface HurtTarget {
  readonly kind: string;
  /** null: it is not behind a wire. */
  readonly proxy: TcpProxy | null;
  /** How long between offers; a Pushgateway has a request for every resource, and here each item is one. */
  readonly everyMs?: number;
  /** What this target takes instead of one resource for each item; each keeps its id. */
  readonly formed?: (sample: Sample) => Sample;
  open(context: PublisherContext): Promise<Publisher>;
  /** Whatever is asked is answered with an error from now on; undefined: the target has no such answer. */
  readonly answerErrors?: () => Promise<void>;
  readonly answerAgain?: () => Promise<void>;
  /** The ids that are there, repetitions included. */
  ids(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function behindProxy(text: string) {
  const url = new URL(text);
  const proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${proxy.port}`;
  return { proxy, url };
}

export async function opened(
  kind: string,
  parameters: Readonly<Record<string, unknown>>,
  context: PublisherContext,
): Promise<Publisher> {
  const entry = publishers[kind];
  if (entry === undefined) throw new Error(`no publisher ${kind}`);
  return (await entry.load()).open(entry.schema.parse(parameters), context);
}

export const timeout_ms = 2_000;

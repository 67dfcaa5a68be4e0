import type { RawNotification } from './traffic.ts';

/**
 * Sends rounds of notifications to the agents over HTTP, as a careful client would: each instance always through one agent, the next
 * batch of it only after the last was answered 202. When an agent dies, its instances go through another one, and what was not
 * answered is sent again under the same message ids.
 */
export class Feeder {
  #addresses: string[] = [];
  readonly #batch: number;
  /** How often a lane had to turn to another agent. */
  readonly #turns = new Map<number, number>();
  sent = 0;
  resent = 0;

  constructor(batch: number) {
    this.#batch = batch;
  }

  /** `host:port` of the living agents' HTTP inputs. */
  use(addresses: readonly string[]): void {
    this.#addresses = [...addresses];
  }

  /** Resolves once the whole round is durable somewhere. Paced evenly over `paceMs`. */
  async send(round: readonly RawNotification[], paceMs: number, signal: AbortSignal): Promise<void> {
    const lanes = new Map<number, RawNotification[]>();
    for (const notification of round) {
      const lane = laneOf(notification.resource);
      const list = lanes.get(lane) ?? [];
      list.push(notification);
      lanes.set(lane, list);
    }
    await Promise.all([...lanes].map(([lane, list]) => this.#sendLane(lane, list, paceMs, signal)));
  }

  async #sendLane(lane: number, list: readonly RawNotification[], paceMs: number, signal: AbortSignal): Promise<void> {
    const chunks = Math.ceil(list.length / this.#batch);
    const started = performance.now();
    for (let i = 0; i < chunks; i++) {
      const chunk = list.slice(i * this.#batch, (i + 1) * this.#batch);
      await this.#deliver(lane, chunk, signal);
      this.sent += chunk.length;
      const dueIn = started + (paceMs * (i + 1)) / chunks - performance.now();
      if (dueIn > 1) await new Promise((resolve) => setTimeout(resolve, dueIn));
    }
  }

  async #deliver(lane: number, chunk: readonly RawNotification[], signal: AbortSignal): Promise<void> {
    const body = chunk.map((notification) => notification.body).join('\n');
    while (!signal.aborted) {
      const turn = lane + (this.#turns.get(lane) ?? 0);
      const address = this.#addresses[turn % Math.max(1, this.#addresses.length)];
      if (address !== undefined && (await post(address, body))) return;
      this.resent += chunk.length;
      this.#turns.set(lane, (this.#turns.get(lane) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('no agent took the notifications in time');
  }
}

const laneCount = 6;

function laneOf(resource: string): number {
  return Number.parseInt(resource.slice(0, 6), 16) % laneCount;
}

/** True only for 202: everything in the body is durable. Anything else, a vanished agent included, means sending it again. */
async function post(address: string, body: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${address}/v1/notifications`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body,
      signal: AbortSignal.timeout(10_000),
    });
    await response.arrayBuffer();
    return response.status === 202;
  } catch {
    return false; // Not answered: the caller counts it as resent and tries another agent.
  }
}

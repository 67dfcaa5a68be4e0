import type { ChannelPolicy } from '../../core/livestatus/channel-policy.ts';
import type { Clock } from '../../lib/clock.ts';
import { Channel, type ChannelWatcher } from './channel.ts';
import type { Address } from './settings.ts';

interface PoolOptions {
  readonly address: Address;
  readonly clock: Clock;
  readonly maxAgeMs: number;
  readonly heard: () => void;
  /** A channel that nobody used was lost. */
  readonly lost: () => void;
}

/**
 * On a UNIX socket a free channel of an ondemand site waits so long for the next question: a burst then pays for connecting once, and no
 * worker of the server is held when nobody asks. Over TCP it is closed at once: there a kept connection answers 44 ms later.
 */
const lingerMs = 50;

/**
 * The channels of a site: at most as many as the policy's cap, counted from the first attempt to connect. A persistent site keeps what is
 * free, an ondemand site closes it, at once or soon.
 */
export class ChannelPool implements ChannelWatcher {
  readonly #options: PoolOptions;
  readonly #free: Channel[] = [];
  readonly #all = new Set<Channel>();
  #lingering = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get all(): ReadonlySet<Channel> {
    return this.#all;
  }

  /** May a channel be asked again after its answer? */
  keeps(policy: ChannelPolicy): boolean {
    return policy.mode === 'persistent' || this.#options.address.kind === 'unix';
  }

  get busy(): number {
    return this.#all.size - this.#free.length;
  }

  /** A free channel, or a new one below the cap, or null. `fresh`: one that no question has gone through. */
  take(policy: ChannelPolicy, fresh: boolean): Channel | null {
    if (!fresh) {
      const free = this.#free.pop();
      if (free !== undefined) return free;
    }
    if (this.#all.size < policy.cap) return this.#open();
    if (!fresh || this.busy >= policy.cap) return null;
    this.#free[0]?.close('its place was needed');
    return this.#all.size < policy.cap ? this.#open() : null;
  }

  /** Gives back what was taken. */
  release(channel: Channel, policy: ChannelPolicy): void {
    if (channel.state === 'closed') return;
    const old = this.#options.clock.monotonic() - channel.openedAt > this.#options.maxAgeMs;
    const fits = channel.state !== 'busy' && !old && this.#all.size <= policy.cap;
    if (!fits || !this.keeps(policy)) {
      channel.close('no longer needed');
      return;
    }
    this.#free.push(channel);
    if (policy.mode === 'ondemand') this.#linger();
  }

  /** Opens one of the missing channels of a persistent site; false: there is none missing. */
  fill(policy: ChannelPolicy): boolean {
    if (policy.mode !== 'persistent' || this.#all.size >= policy.cap) return false;
    this.#free.unshift(this.#open());
    return true;
  }

  /** After a change of policy: idle channels beyond it go. */
  trim(policy: ChannelPolicy): void {
    const keep = policy.mode === 'persistent' ? policy.cap : 0;
    while (this.#free.length > 0 && (policy.mode !== 'persistent' || this.#all.size > keep))
      this.#free[0]?.close('no longer wanted');
  }

  /** Whoever is being answered hears of it. */
  drop(why: string): void {
    for (const channel of [...this.#all]) channel.close(why);
  }

  heard(): void {
    this.#options.heard();
  }

  closed(channel: Channel): void {
    const at = this.#free.indexOf(channel);
    if (at !== -1) this.#free.splice(at, 1);
    this.#all.delete(channel);
    if (at !== -1) this.#options.lost();
  }

  /** Looks twice: what was free at the first look and has had no answer since has waited long enough. */
  #linger(): void {
    if (this.#lingering) return;
    this.#lingering = true;
    const seen = new Map(this.#free.map((channel) => [channel, channel.answers]));
    void this.#options.clock.sleep(lingerMs).then(() => {
      this.#lingering = false;
      for (const channel of [...this.#free]) if (seen.get(channel) === channel.answers) channel.close('nobody asks');
      if (this.#free.length > 0) this.#linger();
    });
  }

  #open(): Channel {
    const channel = new Channel(this.#options.address, this, this.#options.clock.monotonic());
    this.#all.add(channel);
    return channel;
  }
}

import { type FSWatcher, watch } from 'node:fs';
import type { LivenessConfig } from '../config/agent-config.ts';
import { announceSink, livenessSink, mirrorTarget, statusTarget } from '../config/liveness-sinks.ts';
import { inventoryLoader } from '../config/load-inventory.ts';
import type { SinkConfig } from '../config/sink-config.ts';
import type { AgentIdentity } from '../coordination/group.ts';
import { createRouter, type Router } from '../core/route/router.ts';
import { orAborted } from '../lib/or-aborted.ts';
import { isEvent } from '../model/item.ts';
import type { AssignmentLoop } from '../pipeline/assignment-loop.ts';
import { type InventoryLoopDeps, runInventoryLoop } from '../pipeline/inventory-loop.ts';
import { type LoopbackDeps, loopback } from '../pipeline/loopback.ts';
import { OwnerFeed } from '../pipeline/owner-feed.ts';
import { Sequencer } from '../pipeline/sequencer.ts';
import type { Publisher } from '../publishers/publisher.ts';
import { readInventoryRows } from '../services/host-database/read-inventory.ts';
import { statusWriter } from '../services/host-database/status-writer.ts';
import { hostMirror } from '../services/host-mirror/mirror.ts';
import { serveHosts } from '../services/livestatus-proxy/host-site.ts';
import { usualLimits } from '../services/livestatus-proxy/to-settings.ts';
import type { AgentOptions } from './agent-options.ts';
import { type HostView, readHosts } from './hosts-view.ts';
import type { Places } from './places.ts';
import type { TopicSink } from './start-workers.ts';

const lookEveryMs = 3_000;

type KnownInventory = Pick<InventoryLoopDeps, 'load' | 'first'>;

/** The hosts an agent watches: their inventory, where their reports go, and where what is told of them goes. */
export class LivenessService {
  readonly #options: AgentOptions;
  readonly #config: LivenessConfig | null;
  readonly #inventory: KnownInventory | null;
  readonly #boot: string;
  #ready: (deps: Omit<LoopbackDeps, 'routerOf' | 'sequencer'>) => void = () => undefined;
  readonly #deps: Promise<Omit<LoopbackDeps, 'routerOf' | 'sequencer'>>;
  #loops = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Weak: a hundred thousand hosts as operators see them are more than all else that is known of them. */
  #looked: WeakRef<Promise<readonly HostView[]>> | null = null;

  private constructor(options: AgentOptions, identity: AgentIdentity, inventory: KnownInventory | null) {
    this.#options = options;
    this.#config = options.config.liveness;
    this.#inventory = inventory;
    this.#boot = identity.boot;
    this.#deps = new Promise((resolve) => {
      this.#ready = resolve;
    });
  }

  /** Throws a `ConfigError` when the inventory is wrong: nothing starts with one. */
  static async open(options: AgentOptions, identity: AgentIdentity): Promise<LivenessService> {
    const { liveness } = options.config;
    if (liveness === null) return new LivenessService(options, identity, null);
    const load = inventoryLoader(liveness.inventory, (sql) => readInventoryRows(sql, sql.query));
    return new LivenessService(options, identity, { load, first: await load() });
  }

  /** For reports that are sent as such. Null where nobody is expected to report. */
  reports(configs: readonly SinkConfig[]): Router | null {
    return this.#config === null ? null : routerTo(livenessSink, configs);
  }

  /** All hosts of the cluster. Reading them costs, so for a few seconds everybody gets the same. */
  look(places: Places): Promise<readonly HostView[]> {
    const { clock, config } = this.#options;
    const known = clock.monotonic() - this.#lookedAt < lookEveryMs ? this.#looked?.deref() : undefined;
    if (known !== undefined) return known;
    this.#lookedAt = clock.monotonic();
    const looked = readHosts(places, config.cluster).then(({ hosts }) => hosts);
    looked.catch(() => {
      this.#lookedAt = Number.NEGATIVE_INFINITY; // whoever asks next tries again
    });
    this.#looked = new WeakRef(looked);
    return looked;
  }

  /** For clients of Livestatus, until the returned function is called. Throws a fatal Fault when it cannot listen. */
  async serve(places: Places): Promise<() => Promise<void>> {
    const { config, clock, emit, version, exclusiveInputs } = this.#options;
    const wanted = this.#config?.livestatus ?? null;
    if (wanted === null || !exclusiveInputs) return async () => undefined;
    const socket = { path: wanted.socket, mode: wanted.mode, user: null, group: wanted.group };
    const look = () => this.look(places);
    const site = await serveHosts({ id: config.cluster, socket, limits: usualLimits() }, { look, version, clock, emit });
    return site.close;
  }

  /** In the place of a publisher: what hosts do goes to who announces, what that says to every pipeline. */
  loopback(sink: SinkConfig, target: string): Publisher {
    const source = this.#config?.inventory;
    const mirror = this.#config?.mirror ?? null;
    if (target === mirrorTarget && mirror !== null) return hostMirror(mirror);
    if (target === statusTarget && source?.kind === 'sql' && source.update !== null) return statusWriter(source, source.update);
    this.#loops += 1;
    const sequencer = new Sequencer(`${this.#boot}.loop${this.#loops}`);
    const isInner = sink.sink === livenessSink;
    // Changes of status are only for who keeps them.
    const routerOf = onceFor((configs: readonly SinkConfig[]) =>
      isInner ? routerTo(announceSink, configs, ['!ceilograph.host.state']) : createRouter(configs),
    );
    const publisher = loopback(this.#deps.then((deps) => ({ ...deps, routerOf, sequencer })));
    return isInner ? publisher : this.#counting(publisher);
  }

  opened(deps: Omit<LoopbackDeps, 'routerOf' | 'sequencer'>): void {
    this.#ready(deps);
  }

  /** Until the signal; rejects when it cannot go on. */
  async run(places: Places, sinks: readonly TopicSink[], loop: AssignmentLoop, signal: AbortSignal): Promise<void> {
    const [config, inventory] = [this.#config, this.#inventory];
    const refs = (name: string) => sinks.find((sink) => sink.config.sink === name)?.refs ?? [];
    const [announces] = refs(announceSink);
    if (config === null || inventory === null || announces === undefined) return;
    const { clock, emit } = this.#options;
    const appender = await orAborted(places.topics.openAppender(), signal);
    const feed = new OwnerFeed(`${this.#boot}.inventory`, appender, clock);
    const changes = watchFor(config.inventory.kind === 'files' ? config.inventory.path : null);
    try {
      await runInventoryLoop(
        {
          ...inventory,
          reloadMs: config.reloadMs,
          hosts: refs(livenessSink),
          announces,
          owned: () => loop.owned,
          feed,
          clock,
          isWanted: changes.take,
          report: (event) => {
            if (event.kind === 'refused') emit('liveness:inventory-refused', { error: event.error });
            else emit('liveness:inventory', { hosts: event.hosts, changed: event.changed });
          },
        },
        signal,
      );
    } finally {
      changes.end();
      await feed.close();
    }
  }

  #counting(publisher: Publisher): Publisher {
    return {
      ...publisher,
      publish: async (batch, signal) => {
        await publisher.publish(batch, signal);
        const { emit } = this.#options;
        for (const item of batch.items) if (isEvent(item)) emit('liveness:told', { type: item.event_type });
      },
    };
  }
}

function routerTo(name: string, configs: readonly SinkConfig[], match: readonly string[] = ['*']): Router {
  const all = (sink: SinkConfig) => ({ ...sink, sources: sink.sink === name ? [{ name, match }] : [] });
  return createRouter(configs.map(all));
}

/** Sinks are the same until a reload. */
function onceFor<K, V>(make: (key: K) => V): (key: K) => V {
  let known: { readonly key: K; readonly value: V } | null = null;
  return (key) => {
    if (known === null || known.key !== key) known = { key, value: make(key) };
    return known.value;
  };
}

/** Whether a file of the inventory has changed or SIGHUP has come since it was asked last. What cannot be watched is read in its turn. */
function watchFor(path: string | null): { readonly take: () => boolean; readonly end: () => void } {
  let wanted = false;
  const want = () => {
    wanted = true;
  };
  process.on('SIGHUP', want);
  let watcher: FSWatcher | null = null;
  try {
    watcher = path === null ? null : watch(path, want);
    watcher?.on('error', () => watcher?.close());
  } catch {
    // not on this file system
  }
  return {
    take: () => {
      const was = wanted;
      wanted = false;
      return was;
    },
    end: () => {
      process.off('SIGHUP', want);
      watcher?.close();
    },
  };
}

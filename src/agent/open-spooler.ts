import { resolve } from 'node:path';
import type { SpoolNow } from '../admin/overview.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import { readAssignments, withCheckmkSettings } from '../core/spool/checkmk-settings.ts';
import type { SpoolerSettings } from '../core/spool/settings.ts';
import type { SpoolerStatus } from '../core/spool/status.ts';
import { readConfigured } from '../inputs/configured-file.ts';
import type { Clock } from '../lib/clock.ts';
import type { Json } from '../model/json.ts';
import { keepHouse } from '../services/spooler/housekeeping.ts';
import { readSecrets } from '../services/spooler/secrets.ts';
import { openSpoolPlace } from '../services/spooler/spool-place.ts';
import { Spooler, type SpoolerEvent } from '../services/spooler/spooler.ts';
import { readStatus } from '../services/spooler/status-file.ts';
import type { Emit } from '../telemetry/events.ts';

export interface RunningSpooler {
  /** Rejects with our own bugs only. */
  readonly ended: Promise<void>;
  /** Sends and takes what is on its way, for a moment, and leaves. */
  close(): Promise<void>;
  /** For people. */
  reading(): SpoolNow;
}

export interface SpoolerTools {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  readonly version: string;
}

/** Throws a fatal Fault for settings that cannot be run; that nobody is there is no fault. */
export async function openSpooler(tools: SpoolerTools, written: SpoolerSettings, hard: AbortSignal): Promise<RunningSpooler> {
  const { config, clock, random, emit } = tools;
  const settings = await withCheckmk(written, tools);
  const secrets = await readSecrets(settings, (path) => readConfigured(path, config.baseDir));
  const place = await openSpoolPlace({ dataDir: config.dataDir, clock, settings });
  const soft = new AbortController();
  const tell = (event: SpoolerEvent) => report(emit, event);
  const spooler = new Spooler({ settings, secrets, place, clock, random, report: tell });
  const statusFile = resolve(config.dataDir, settings.status_file);
  const filesFolder = settings.checkmk_spool === undefined ? undefined : resolve(config.baseDir, settings.checkmk_spool);
  const house = { spooler, statusFile, filesFolder, version: tools.version, clock, report: tell };
  const leave = AbortSignal.any([soft.signal, hard]);
  const ended = Promise.all([spooler.run(soft.signal, hard), keepHouse(house, leave)]).then(() => undefined);
  ended.catch((error: unknown) => emit('loop:ended', { loop: 'spooler', error }));
  const startedMs = clock.now();
  let closing: Promise<void> | undefined;
  return {
    ended,
    reading: () => toSpoolNow(readStatus(spooler, tools.version, startedMs, clock.now())),
    close: () => {
      soft.abort(new Error('stopping'));
      closing ??= ended.catch(() => undefined).then(() => place.close()); // what it failed with is told by `ended`
      return closing;
    },
  };
}

async function withCheckmk(written: SpoolerSettings, { config, emit }: SpoolerTools): Promise<SpoolerSettings> {
  const files = written.checkmk_settings;
  const all: Record<string, Json> = {};
  for (const file of files) {
    const { values, otherLines } = readAssignments(await readConfigured(file, config.baseDir));
    for (const line of otherLines)
      emit('spooler:setting', { file, note: `line ${line} is no plain assignment, it is passed over` });
    Object.assign(all, values);
  }
  const { settings, notes } = withCheckmkSettings(written, all);
  for (const note of notes) emit('spooler:setting', { file: files.join(', '), note });
  return settings;
}

function report(emit: Emit, event: SpoolerEvent): void {
  if (event.kind === 'listening') emit('spooler:listening', { address: event.address });
  else if (event.kind === 'cannot_listen') emit('spooler:cannot_listen', { address: event.address, error: event.error });
  else if (event.kind === 'connected') emit('spooler:connected', { connection: event.connection, peer: event.peer });
  else if (event.kind === 'lost') emit('spooler:lost', { connection: event.connection, reason: event.reason });
  else emit('spooler:cannot_write', { error: event.error });
}

function toSpoolNow(status: SpoolerStatus): SpoolNow {
  const { site, role, listening, spools, arrived, connections, expectedPeers } = status;
  const there = new Set(connections.filter(({ state }) => state === 'established').map(({ peer }) => peer));
  return {
    site,
    role,
    listening: listening === null ? null : 'fault' in listening ? listening.fault : `port ${listening.port}`,
    waiting: spools.New.count,
    deferred: spools.Deferred.count,
    corrupted: spools.Corrupted.count,
    arrived,
    connections: connections.map(({ peer, address, type, state, message, sinceMs, sent, received, pending }) => ({
      peer,
      address,
      type,
      state,
      message,
      since: sinceMs,
      sent,
      received,
      pending,
    })),
    missing: expectedPeers.filter((peer) => !there.has(peer)),
  };
}

import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ConnectionStatus, type SpoolerStatus, statusText } from '../../core/spool/status.ts';
import { replaceFile } from '../../lib/replace-file.ts';
import type { Link } from './link.ts';
import type { Spooler } from './spooler.ts';

/** What the spooler is and does at this moment. */
export function readStatus(spooler: Spooler, version: string, startedMs: number, nowMs: number): SpoolerStatus {
  const { listening, settings } = spooler;
  const { spool, arrivals } = spooler.place;
  const stats = spool.stats();
  return {
    version,
    site: spooler.site,
    role: settings.role,
    updatedMs: nowMs,
    startedMs,
    configurationMs: startedMs,
    listening:
      listening === undefined ? null : 'fault' in listening ? listening : { port: listening.port, fd: listening.fd ?? null },
    spools: { New: stats.new, Deferred: stats.deferred, Corrupted: spooler.place.corrupted.stats() },
    arrived: arrivals.count(),
    totals: Object.fromEntries(totals.map((name) => [name, spool.counters.get(name)])),
    connections: spooler.links.map((link) => connectionStatus(link, settings.send_heartbeat)),
    expectedPeers: settings.expected_peers,
  };
}

const totals = [
  'spooled',
  'delivered',
  'received',
  'repeated',
  'deferrals',
  'dropped_full',
  'dropped_by_operator',
  'corrupted',
] as const;

const states: Readonly<Record<Link['state']['phase'], ConnectionStatus['state']>> = {
  initial: 'initial',
  connecting: 'connecting',
  handshake: 'connecting',
  established: 'established',
  cooldown: 'cooldown',
  closed: 'cooldown',
};

function connectionStatus(link: Link, heartbeatSeconds: number): ConnectionStatus {
  const { phase, reason } = link.state;
  return {
    peer: link.peer ?? null,
    address: link.name,
    type: link.options.dial === undefined ? 'incoming' : 'outgoing',
    state: states[phase],
    message: reason,
    sinceMs: link.sinceMs,
    connectSeconds: link.connectMs === undefined ? null : link.connectMs / 1000,
    sent: link.sent,
    received: link.received,
    pending: link.session.pending,
    fd: link.socketFd ?? null,
    heartbeatSeconds,
    lastIncomingMs: link.heardMs ?? null,
    lastHeartbeatMs: link.heartbeatMs ?? null,
    inputBytes: link.inputBytes,
    outputBytes: link.outputBytes,
  };
}

/** Who reads meanwhile has the old or the new one of each, whole. */
export async function writeStatusFiles(path: string, status: SpoolerStatus): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, statusText(status));
  await replaceFile(`${path}.json`, `${JSON.stringify(status)}\n`);
}

/** What a spooler says of itself every few seconds. All times are epoch ms. */
export interface SpoolerStatus {
  readonly version: string;
  readonly site: string;
  readonly role: 'standalone' | 'source' | 'sink';
  readonly updatedMs: number;
  readonly startedMs: number;
  readonly configurationMs: number;
  /** The number of the listening socket, or why there is none; null: it is not to listen. */
  readonly listening: { readonly fd: number | null; readonly port: number } | { readonly fault: string } | null;
  readonly spools: Readonly<Record<'New' | 'Deferred' | 'Corrupted', SpoolStatus>>;
  /** Arrived and not yet taken by the pipelines. */
  readonly arrived: number;
  /** Since the spool was made. */
  readonly totals: Readonly<Record<string, number>>;
  readonly connections: readonly ConnectionStatus[];
  readonly expectedPeers: readonly string[];
}

export interface SpoolStatus {
  readonly count: number;
  readonly oldestMs: number | null;
  readonly youngestMs: number | null;
}

export interface ConnectionStatus {
  /** The site at its other end, once it is known. */
  readonly peer: string | null;
  readonly address: string;
  readonly type: 'incoming' | 'outgoing';
  readonly state: 'initial' | 'connecting' | 'established' | 'cooldown';
  readonly message: string | null;
  readonly sinceMs: number;
  readonly connectSeconds: number | null;
  /** Since this process started. */
  readonly sent: number;
  readonly received: number;
  readonly pending: number;
  readonly fd: number | null;
  readonly heartbeatSeconds: number;
  readonly lastIncomingMs: number | null;
  readonly lastHeartbeatMs: number | null;
  readonly inputBytes: number;
  readonly outputBytes: number;
}

/**
 * The state file of Checkmk's notification spooler, so that its agent and its checks read ours: names, order and spaces are theirs
 * (the comment and the rules of its check plugin `mknotifyd`, 2.4). The agent writes `[site]` above it.
 */
export function statusText(status: SpoolerStatus): string {
  const now = status.updatedMs;
  const lines = [
    field('Version', status.version),
    field('Updated', stamp(now)),
    field('Started', stamp(status.startedMs, now)),
    field('Configuration', stamp(status.configurationMs, now)),
    field('Listening FD', listeningText(status.listening)),
  ];
  for (const name of ['New', 'Deferred', 'Corrupted'] as const) {
    const { count, oldestMs, youngestMs } = status.spools[name];
    lines.push('', field('Spool', name), field('Count', String(count)));
    lines.push(field('Oldest', stamp(oldestMs, now)), field('Youngest', stamp(youngestMs, now)));
  }
  lines.push('', field('Queue', 'None'), field('Waiting', String(status.arrived)), field('Processing', '0'));
  for (const connection of status.connections) lines.push('', ...connectionLines(connection, now));
  return `${lines.join('\n')}\n`;
}

function connectionLines(connection: ConnectionStatus, now: number): string[] {
  const { message, connectSeconds } = connection;
  return [
    // The newer checks name their service after it, so it stands before its connection.
    wide('Site', `${connection.peer ?? connection.address} (${connection.address})`),
    wide('Connection', connection.address),
    wide('Type', connection.type),
    wide('State', connection.state),
    ...(message === null ? [] : [wide('Status Message', message)]),
    wide('Since', stamp(connection.sinceMs, now)),
    ...(connectSeconds === null ? [] : [wide('Connect Time', `${connectSeconds.toFixed(3)} sec`)]),
    wide('Notifications Sent', String(connection.sent)),
    wide('Notifications Received', String(connection.received)),
    wide('Pending Acknowledgements', connection.pending === 0 ? '' : String(connection.pending)),
    wide('Socket FD', connection.fd === null ? 'None' : String(connection.fd)),
    wide('HB. Interval', `${connection.heartbeatSeconds} sec`),
    wide('LastIncomingData', stamp(connection.lastIncomingMs, now)),
    wide('LastHeartbeat', stamp(connection.lastHeartbeatMs, now)),
    wide('InputBuffer', `${connection.inputBytes} Bytes`),
    wide('OutputBuffer', `${connection.outputBytes} Bytes`),
  ];
}

function listeningText(listening: SpoolerStatus['listening']): string {
  if (listening === null) return 'None';
  return 'fault' in listening ? listening.fault : String(listening.fd ?? 'None');
}

const field = (name: string, value: string) => `${`${name}:`.padEnd(17)}${oneLine(value)}`.trimEnd();
const wide = (name: string, value: string) => `${`${name}:`.padEnd(26)}${oneLine(value)}`.trimEnd();

/** What the other side said must not add lines of its own. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').slice(0, 500);
}

/** `1571151346 (2019-10-15 16:55:46, 12 sec ago)` in UTC; an age is never negative, whatever was done to the clock. */
function stamp(ms: number | null, now?: number): string {
  if (ms === null) return '';
  const time = new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
  const ago = now === undefined ? '' : `, ${Math.max(0, Math.round((now - ms) / 1000))} sec ago`;
  return `${Math.floor(ms / 1000)} (${time}${ago})`;
}

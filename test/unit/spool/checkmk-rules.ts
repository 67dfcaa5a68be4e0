/**
 * How Checkmk's check plugin `mknotifyd` (2.4) takes its agent section apart, in our own words: which lines must follow which, what
 * must be a number, which states there are. Throws where that plugin would crash.
 */
export interface CheckmkSite {
  readonly version: string;
  readonly updated: number;
  readonly spools: Record<string, { readonly count: number; readonly oldest: number | null; readonly youngest: number | null }>;
  readonly connections: Record<string, CheckmkConnection>;
  readonly connectionsBySite: Record<string, CheckmkConnection>;
}

interface CheckmkConnection {
  readonly type: string;
  readonly state: string;
  readonly message: string | undefined;
  readonly since: number;
  readonly connectTime: number | undefined;
  readonly sent: number;
  readonly received: number;
}

const known = ['established', 'cooldown', 'initial', 'connecting'];

export function readAsCheckmk(section: string): { readonly timestamp: number; readonly sites: Record<string, CheckmkSite> } {
  const [first = '', ...lines] = section.split('\n').filter((line) => line !== '');
  const sites: Record<string, CheckmkSite> = {};
  let site: CheckmkSite | undefined;
  let named: string | undefined;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string;
    if (line.startsWith('[')) {
      site = {
        version: pair(lines[index + 1], 'Version'),
        updated: whole(pair(lines[index + 2], 'Updated')),
        spools: {},
        connections: {},
        connectionsBySite: {},
      };
      sites[line.slice(1, -1)] = site;
      index += 2;
      continue;
    }
    if (!line.includes(':')) continue;
    const [name, value] = cut(line);
    if (name === 'Site') named = value.split(' (')[0];
    else if (name === 'Spool' && site !== undefined) {
      const [count, oldest, youngest] = ['Count', 'Oldest', 'Youngest'].map((key) => pair(lines[++index], key));
      site.spools[value] = { count: whole(count), oldest: dateOf(oldest), youngest: dateOf(youngest) };
    } else if (name === 'Connection' && site !== undefined) {
      const held: Record<string, string> = {};
      for (const key of [
        'Type',
        'State',
        'Status Message',
        'Since',
        'Connect Time',
        'Notifications Sent',
        'Notifications Received',
      ]) {
        const [found, what] = cut(lines[index + 1] ?? '');
        if (found !== key) continue;
        held[key] = what;
        index += 1;
      }
      const connection = toConnection(held);
      if (named === undefined) throw new Error('no Site before the first Connection');
      site.connectionsBySite[named] = connection;
      site.connections[connection.type === 'incoming' ? value.slice(0, value.lastIndexOf(':')) : value] = connection;
    }
  }
  return { timestamp: whole(first), sites };
}

function toConnection(held: Record<string, string>): CheckmkConnection {
  const state = held['State'];
  if (state === undefined || !known.includes(state)) throw new Error(`no state ${state}`);
  const connectTime = held['Connect Time'];
  return {
    type: held['Type'] ?? '',
    state,
    message: held['Status Message'],
    since: whole(held['Since']),
    connectTime: connectTime === undefined ? undefined : Number(connectTime.split(' ')[0]),
    sent: whole(held['Notifications Sent']),
    received: whole(held['Notifications Received']),
  };
}

function cut(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':');
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).trim()];
}

function pair(line: string | undefined, name: string): string {
  const [found, value] = cut(line ?? '');
  if (found !== name) throw new Error(`expected ${name}, found ${found}`);
  return value;
}

function whole(text: string | undefined): number {
  const word = text?.split(' ')[0] ?? '';
  if (!/^-?\d+$/.test(word)) throw new Error(`no number: ${text}`);
  return Number(word);
}

function dateOf(text: string | undefined): number | null {
  return text === undefined || text === '' ? null : whole(text);
}

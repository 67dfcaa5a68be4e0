import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/lib/clock.ts';
import { LivestatusProxy } from '../../../src/services/livestatus-proxy/proxy.ts';
import { LiveproxyFile } from '../../../src/services/livestatus-proxy/schema.ts';
import { toSettings } from '../../../src/services/livestatus-proxy/to-settings.ts';
import type { EventName } from '../../../src/telemetry/events.ts';
import { until } from '../../faults/until.ts';

export interface SiteBehindProxy extends AsyncDisposable {
  readonly proxy: LivestatusProxy;
  /** Of the proxy. */
  readonly socket: string;
  /** The proxy about itself. */
  readonly own: string;
  readonly told: (name: EventName) => number;
}

/** The folder in which `services.sh` runs Icinga 2. */
function icingaFolder(): string {
  const folder = process.env['LIVESTATUS_FOLDER'];
  if (folder === undefined) throw new Error('run this through test/services/services.sh run icinga2 -- npx vitest run …');
  return folder;
}

export const icingaSocket = () => join(icingaFolder(), 'live.sock');
export const icingaPort = () => Number(new URL(process.env['LIVESTATUS_URL'] ?? '').port);

/** The proxy with its real clock in front of it. `at` is the site's socket as in the configuration. */
export async function behindProxy(at: string, settings: Readonly<Record<string, unknown>> = {}): Promise<SiteBehindProxy> {
  const dir = mkdtempSync(join(tmpdir(), 'lp-'));
  const told: EventName[] = [];
  const proxy = new LivestatusProxy({
    version: '1.2.3',
    clock: systemClock,
    random: Math.random,
    emit: (name) => told.push(name),
  });
  const file = LiveproxyFile.parse({ run_dir: dir, own_site: 'own', sites: { icinga: { socket: at, ...settings } } });
  const wanted = await toSettings(file, dir);
  await proxy.start(wanted.sites, wanted.own);
  await until(() => proxy.sites[0]?.site.heartbeat.beat.verdict === 'ready', 20_000, 'no heartbeat');
  return {
    proxy,
    socket: join(dir, 'liveproxy/icinga'),
    own: join(dir, 'liveproxy/own'),
    told: (name) => told.filter((each) => each === name).length,
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Everything that comes until the other side closes, or nothing has come for `quietMs`. */
export function ask(
  path: string,
  request: string,
  half = false,
  quietMs = 20_000,
): Promise<{ readonly text: string; readonly closed: boolean }> {
  return new Promise((resolve) => {
    const socket = connect({ path, allowHalfOpen: true });
    let text = '';
    const end = (closed: boolean) => {
      socket.destroy();
      resolve({ text, closed });
    };
    socket.setTimeout(quietMs, () => end(false));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('end', () => end(true));
    socket.on('error', () => end(true));
    socket.write(request, 'latin1');
    if (half) socket.end();
  });
}

/** Icinga gives rows in the order of its hash tables. */
export function sorted(text: string): string {
  const [head, body] = /^\d{3} [ \d]{11}\n/.test(text) ? [text.slice(0, 16), text.slice(16)] : ['', text];
  return `${head}${body
    .split(/\n|(?<=\]), ?/)
    .sort()
    .join('\n')}`;
}

/** How often the site's own check has run, by the file that it writes. */
export async function beats(): Promise<number> {
  const text = await readFile(join(icingaFolder(), 'beats'), 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

/** Stops the whole server without a word: connections are accepted by the kernel and nothing answers. */
export function signalIcinga(signal: 'SIGSTOP' | 'SIGCONT'): void {
  const main = Number(readFileSync(join(icingaFolder(), 'main.pid'), 'utf8'));
  // setsid made it the leader of its group.
  process.kill(-main, signal);
}

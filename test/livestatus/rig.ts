import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { LivestatusProxy } from '../../src/services/livestatus-proxy/proxy.ts';
import { LiveproxyFile } from '../../src/services/livestatus-proxy/schema.ts';
import { toSettings } from '../../src/services/livestatus-proxy/to-settings.ts';
import type { EventName } from '../../src/telemetry/events.ts';

/** What a scripted site does with a request that is not a heartbeat. */
export type Script = (request: string, socket: Socket, site: ScriptedSite) => void;

export const framed = (code: number, body: string) =>
  `${String(code).padStart(3, '0')} ${String(Buffer.byteLength(body)).padStart(11)}\n${body}`;

/** Answers every request with itself, and keeps the connection as it was asked. */
export const echo: Script = (request, socket) => {
  socket.write(framed(200, `${request.split('\n')[0]}\n`));
  if (!request.includes('KeepAlive: on')) socket.end();
};

/** A Livestatus server that does what a test says; heartbeats it answers by itself unless it is frozen. */
export class ScriptedSite {
  readonly path: string;
  readonly requests: string[] = [];
  readonly open = new Set<Socket>();
  connections = 0;
  heartbeats = 0;
  mostOpen = 0;
  script: Script;
  version = '2.1.0p5';
  programStart = 1_700_000_000;
  /** Accepts and reads, and says nothing. */
  frozen = false;
  #server: Server;

  constructor(path: string, script: Script = echo) {
    this.path = path;
    this.script = script;
    this.#server = this.#create();
  }

  async start(): Promise<this> {
    this.#server.listen(this.path);
    await once(this.#server, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  async restart(): Promise<void> {
    await this.stop();
    this.#server = this.#create();
    await this.start();
  }

  get queries(): readonly string[] {
    return this.requests.filter((request) => !request.startsWith('GET status\nColumns: program_start livestatus_version'));
  }

  #create(): Server {
    return createServer({ allowHalfOpen: true }, (socket) => {
      this.connections += 1;
      this.open.add(socket);
      this.mostOpen = Math.max(this.mostOpen, this.open.size);
      let held = '';
      socket.on('error', () => undefined); // tests cut connections
      socket.on('close', () => this.open.delete(socket));
      socket.on('end', () => socket.end());
      socket.on('data', (chunk) => {
        held += chunk.toString('latin1');
        for (let end = held.indexOf('\n\n'); end !== -1; end = held.indexOf('\n\n')) {
          const request = held.slice(0, end + 1);
          held = held.slice(end + 2);
          this.requests.push(request);
          if (this.frozen) continue;
          if (!request.startsWith('GET status\nColumns: program_start livestatus_version')) this.script(request, socket, this);
          else {
            this.heartbeats += 1;
            socket.write(framed(200, `[[${this.programStart},"${this.version}"]]\n`));
            if (!request.includes('KeepAlive: on')) socket.end();
          }
        }
      });
    });
  }
}

export interface Rig extends AsyncDisposable {
  readonly dir: string;
  readonly clock: ManualClock;
  readonly proxy: LivestatusProxy;
  readonly site: ScriptedSite;
  readonly events: { readonly name: EventName; readonly facts: Readonly<Record<string, unknown>> }[];
  readonly socket: string;
  /** Once the first heartbeat was answered. */
  ready(): Promise<void>;
  ask(request: string): Promise<string>;
  client(): Promise<TestClient>;
  /** Moves the clock until it is true. */
  pass(done: () => boolean, mostMs?: number): Promise<number>;
  told(name: EventName): readonly Readonly<Record<string, unknown>>[];
  reload(sites: Readonly<Record<string, unknown>>): Promise<unknown>;
}

/** A proxy with one site `muc`, in this process, on a clock that the test moves. */
export async function rig(
  options: { script?: Script; site?: Readonly<Record<string, unknown>>; version?: string; down?: true } = {},
): Promise<Rig> {
  const dir = mkdtempSync(join(tmpdir(), 'lp-'));
  const site = new ScriptedSite(join(dir, 'upstream'), options.script);
  if (options.version !== undefined) site.version = options.version;
  if (options.down !== true) await site.start();
  const clock = new ManualClock(1_700_000_000_000);
  const events: Rig['events'] = [];
  const proxy = new LivestatusProxy({
    version: '1.2.3',
    clock,
    random: () => 0.5,
    emit: (name, facts) => events.push({ name, facts }),
  });
  const settingsOf = async (sites: Readonly<Record<string, unknown>>) =>
    (await toSettings(LiveproxyFile.parse({ run_dir: dir, sites }), dir)).sites;
  const { sites, own } = await toSettings(
    LiveproxyFile.parse({ run_dir: dir, own_site: 'cloud', sites: { muc: { socket: `unix:${site.path}`, ...options.site } } }),
    dir,
  );
  await proxy.start(sites, own);
  const socket = join(dir, 'liveproxy/muc');
  return {
    dir,
    clock,
    proxy,
    site,
    events,
    socket,
    ready: () =>
      until(() =>
        proxy.sites.every((served) => served.site.policy.mode !== 'unknown' && served.site.heartbeat.beat.received > 0),
      ),
    ask: async (request) => {
      const client = await TestClient.open(socket);
      client.send(request);
      return client.all();
    },
    client: () => TestClient.open(socket),
    pass: async (done, mostMs = 600_000) => {
      const began = clock.monotonic();
      while (!done()) {
        if (clock.monotonic() - began > mostMs) throw new Error(`not within ${mostMs} ms`);
        await clock.advance(50);
        for (let i = 0; i < 4; i++) await turn();
      }
      return clock.monotonic() - began;
    },
    told: (name) => events.filter((event) => event.name === name).map((event) => event.facts),
    reload: async (sites) => proxy.reload(await settingsOf(sites)),
    async [Symbol.asyncDispose]() {
      const ended = proxy.stop();
      let over = false;
      void ended.finally(() => {
        over = true;
      });
      while (!over) {
        await clock.advance(500);
        await turn();
      }
      await site.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A client that remembers everything it was sent. */
export class TestClient {
  readonly socket: Socket;
  text = '';
  ended = false;

  static async open(path: string): Promise<TestClient> {
    const socket = connect({ path, allowHalfOpen: true });
    await once(socket, 'connect');
    return new TestClient(socket);
  }

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
    });
    socket.on('error', () => undefined); // the proxy may cut us off
    for (const event of ['end', 'close'] as const)
      socket.on(event, () => {
        this.ended = true;
      });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** All that comes until the proxy closes. */
  async all(): Promise<string> {
    await until(() => this.ended);
    this.socket.destroy();
    return this.text;
  }

  async says(text: string): Promise<void> {
    await until(
      () => this.text === text || this.ended,
      () => `${JSON.stringify(this.text)}, expected ${JSON.stringify(text)}`,
    );
    if (this.text !== text) throw new Error(`${JSON.stringify(this.text)}, expected ${JSON.stringify(text)}`);
  }
}

export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Looks again with each turn of the event loop; throws when it takes ten seconds. */
export async function until(done: () => boolean, what: () => string = () => 'it did not come true'): Promise<void> {
  const end = performance.now() + 10_000;
  while (!done()) {
    if (performance.now() > end) throw new Error(what());
    await turn();
  }
}

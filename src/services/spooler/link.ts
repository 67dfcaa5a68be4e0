import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  type ConnectionRules,
  type ConnectionSignal,
  type ConnectionState,
  initialConnection,
  stepConnection,
} from '../../core/spool/connection-machine.ts';
import { FrameReader } from '../../core/spool/frame-reader.ts';
import type { Clock } from '../../lib/clock.ts';
import { Fault } from '../../model/faults.ts';
import type { TlsOptions } from '../../model/tls-files.ts';

/** What is spoken on a link once it is open: source or sink, Forward or RELP. Its methods may throw a Fault: the link is then lost. */
export interface Session {
  /** The connection is open, encrypted where it should be. */
  opened(): void;
  frame(frame: Uint8Array): void;
  heartbeat(): void;
  /** Not before this is false is another frame given. */
  readonly busy: boolean;
  /** Called once for each `opened`. */
  lost(reason: string): void;
  /** Notifications sent and not acknowledged, or taken and not yet flushed. */
  readonly pending: number;
}

/** Cuts the bytes of a protocol into frames. */
export interface Framing {
  push(chunk: Uint8Array): void;
  next(): Uint8Array | undefined;
  readonly heldBytes: number;
}

export interface LinkOptions {
  readonly name: string;
  readonly rules: ConnectionRules;
  readonly clock: Clock;
  readonly random: () => number;
  readonly maxFrameBytes: number;
  /** Where to dial; absent: the other side did. */
  readonly dial?: { readonly host: string; readonly port: number; readonly tls: TlsOptions | undefined };
  readonly makeSession: (link: Link) => Session;
  readonly makeFraming?: () => Framing;
  /** There is something to do. */
  readonly wake: () => void;
  readonly onChange: (link: Link) => void;
}

const mostQueuedBytes = 256 * 1024;
const mostUnsentBytes = 1024 * 1024;
const mostDepth = 64;
const lastWordsMs = 1_000;

/**
 * One connection with its states, its socket and what waits in both directions. It reads at most a budget a turn, so that no
 * connection keeps the loop from the others, and stops its socket while it holds more than it can hand on.
 */
export class Link {
  readonly name: string;
  readonly options: LinkOptions;
  readonly session: Session;
  /** The site of the other side, once it proved who it is. */
  peer: string | undefined;
  sent = 0;
  received = 0;
  repeated = 0;
  connectMs: number | undefined;
  /** Epoch ms, for people. */
  sinceMs: number;
  heardMs: number | undefined;
  heartbeatMs: number | undefined;
  #state: ConnectionState;
  #socket: Socket | undefined;
  #opened = false;
  #framing: Framing;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #mayHaveFrames = false;

  constructor(options: LinkOptions, socket?: Socket) {
    this.name = options.name;
    this.options = options;
    this.#framing = this.#newFraming();
    this.#state = initialConnection(options.rules, options.clock.monotonic());
    this.sinceMs = options.clock.now();
    this.session = options.makeSession(this);
    if (socket !== undefined) this.#attach(socket);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get established(): boolean {
    return this.#state.phase === 'established';
  }

  /** Who this is, for delivering: all connections to one site are one place to deliver to. */
  get place(): string {
    return this.peer ?? this.name;
  }

  get socketFd(): number | undefined {
    const handle = (this.#socket as unknown as { readonly _handle?: { readonly fd?: number } } | undefined)?._handle;
    return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
  }

  get inputBytes(): number {
    return this.#queuedBytes + this.#framing.heldBytes;
  }

  get outputBytes(): number {
    return this.#socket?.writableLength ?? 0;
  }

  get mayWrite(): boolean {
    return this.outputBytes < mostUnsentBytes;
  }

  /** For a link that the other side opened. */
  begin(): void {
    this.#open();
  }

  tick(): void {
    // What we have not read yet may hold the sign of life.
    this.#signal({ kind: 'tick', deaf: this.#queuedBytes > 0 || this.session.busy });
  }

  agreed(peer?: string): void {
    this.peer = peer ?? this.peer;
    this.#signal({ kind: 'agreed' });
  }

  heardHeartbeat(): void {
    this.heartbeatMs = this.options.clock.now();
    this.#signal({ kind: 'heard', heartbeat: true });
  }

  asked(): void {
    this.#signal({ kind: 'asked' });
  }

  answered(): void {
    this.#signal({ kind: 'answered' });
  }

  lose(reason: string): void {
    this.#signal({ kind: 'lost', reason });
  }

  send(bytes: Uint8Array): void {
    this.#socket?.write(bytes);
  }

  /** Reads at most so many bytes; true: there is more to read. */
  turn(budgetBytes: number): boolean {
    let used = 0;
    try {
      while (this.#opened && !this.session.busy) {
        const frame = this.#mayHaveFrames ? this.#framing.next() : undefined;
        if (frame !== undefined) {
          used += frame.length;
          this.session.frame(frame);
        } else {
          this.#mayHaveFrames = false;
          const chunk = this.#queue.shift();
          if (chunk === undefined) break;
          this.#queuedBytes -= chunk.length;
          this.#framing.push(chunk);
          this.#mayHaveFrames = true;
        }
        if (used >= budgetBytes) break;
      }
    } catch (thrown) {
      this.fail(thrown);
    }
    if (this.#queuedBytes < mostQueuedBytes / 2) this.#socket?.resume();
    return this.#opened && !this.session.busy && (this.#mayHaveFrames || this.#queue.length > 0);
  }

  /** What a session throws ends its link, and says why; our own bugs are not hidden by it. */
  fail(thrown: unknown): void {
    if (!(thrown instanceof Fault)) throw thrown;
    this.lose(thrown.message);
  }

  #signal(signal: ConnectionSignal): void {
    const { clock, rules, random } = this.options;
    const before = this.#state.phase;
    const { state, actions } = stepConnection(
      this.#state,
      signal,
      clock.monotonic(),
      rules,
      signal.kind === 'heard' ? 0 : random(),
    );
    this.#state = state;
    if (state.phase !== before) {
      this.sinceMs = clock.now();
      this.options.onChange(this);
    }
    for (const action of actions) {
      if (action === 'dial') this.#dial();
      else if (action === 'close') this.#close(state.reason ?? 'closed');
      else {
        this.heartbeatMs = clock.now();
        this.session.heartbeat();
      }
    }
  }

  #dial(): void {
    const { dial, clock } = this.options;
    if (dial === undefined) return;
    const began = clock.monotonic();
    const { host, port, tls } = dial;
    const socket =
      tls === undefined ? connectTcp({ host, port }) : connectTls({ host, port, servername: serverName(host), ...tls });
    this.#attach(socket);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      if (this.#socket !== socket) return;
      this.connectMs = clock.monotonic() - began;
      this.#signal({ kind: 'opened' });
      this.#open();
    });
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    this.#framing = this.#newFraming();
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#mayHaveFrames = false;
    socket.setNoDelay(true);
    let reason = 'the other side closed the connection';
    socket.on('data', (chunk: Buffer) => {
      if (this.#socket !== socket) return;
      this.heardMs = this.options.clock.now();
      this.#signal({ kind: 'heard' });
      this.#queue.push(chunk);
      this.#queuedBytes += chunk.length;
      if (this.#queuedBytes >= mostQueuedBytes) socket.pause();
      this.options.wake();
    });
    socket.on('drain', () => this.options.wake());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reason = error.message === '' ? (error.code ?? 'the connection failed') : error.message;
    });
    socket.on('close', () => {
      if (this.#socket === socket) this.lose(reason);
    });
  }

  #open(): void {
    this.#opened = true;
    try {
      this.session.opened();
    } catch (thrown) {
      this.fail(thrown);
    }
    this.options.wake();
  }

  #close(reason: string): void {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) this.#leave(socket);
    if (!this.#opened) return;
    this.#opened = false;
    this.session.lost(reason);
  }

  /** What was said last (a refusal with its reason) may still go out, for a second. */
  #leave(socket: Socket): void {
    if (socket.connecting || socket.writableLength === 0) socket.destroy();
    else socket.destroySoon();
    if (!socket.destroyed)
      this.options.clock.sleep(lastWordsMs).then(
        () => socket.destroy(),
        () => undefined,
      );
  }

  #newFraming(): Framing {
    const { makeFraming, maxFrameBytes } = this.options;
    return makeFraming?.() ?? new FrameReader({ maxBytes: maxFrameBytes, maxDepth: mostDepth });
  }
}

/** An address is no name that a certificate could be asked for (RFC 6066). */
function serverName(host: string): string {
  return /^[\d.]+$|:/.test(host) ? '' : host;
}

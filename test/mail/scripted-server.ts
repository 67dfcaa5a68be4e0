import * as net from 'node:net';
import * as tls from 'node:tls';

/**
 * What the server says at a stage: a reply (several lines are joined by `\n`), or what it does instead. A list gives one per time the
 * stage is reached, the last one for ever.
 */
export type Answer =
  | string
  | { readonly do: 'drop' | 'reset' | 'hang' }
  | { readonly say: string; readonly afterMs: number }
  | { readonly bytes: string };
type Answers = Answer | readonly Answer[] | (() => Answer);

export interface Script {
  readonly greeting?: Answers;
  readonly ehlo?: Answers;
  readonly helo?: Answers;
  readonly capabilities?: readonly string[];
  readonly starttls?: Answers;
  /** PEM; without it STARTTLS answers and then speaks plain text. */
  readonly tls?: tls.TlsOptions;
  readonly implicit?: boolean;
  readonly auth?: Answers;
  readonly mail?: Answers;
  readonly rcpt?: Answers | Readonly<Record<string, Answers>>;
  readonly data?: Answers;
  /** In the middle of the text, after so many bytes of it. */
  readonly body?: { readonly after: number; readonly answer: Answer };
  readonly dot?: Answers;
  /** By the text itself, before `dot`. */
  readonly dotFor?: (text: string) => Answer;
  /** Beyond so many of a transaction: 452 too many recipients. */
  readonly recipientsAtOnce?: number;
  readonly rset?: Answers;
  readonly quit?: Answers;
}

export interface Received {
  readonly to: readonly string[];
  readonly from: string;
  /** As it was after the dots were taken away. */
  readonly bytes: Buffer;
  readonly messageId: string;
  /** What the server answered to it. */
  readonly answer: Answer;
  readonly connection: number;
  readonly isEncrypted: boolean;
}

const drop: Answer = { do: 'drop' };
export const instead = { drop, reset: { do: 'reset' }, hang: { do: 'hang' } } as const satisfies Record<string, Answer>;

/** An SMTP server that does what the script says, and keeps what it was told. Every text counts as received, whatever is answered to it. */
export class ScriptedServer {
  readonly commands: { readonly connection: number; readonly line: string; readonly isEncrypted: boolean }[] = [];
  readonly received: Received[] = [];
  connections = 0;
  /** Told of everything that a client says, before it is answered. */
  onMoment: () => void = () => undefined;
  script: Script;
  port = 0;
  readonly #counts = new Map<string, number>();
  readonly #open = new Set<net.Socket>();
  #server: net.Server;

  constructor(script: Script = {}) {
    this.script = script;
    this.#server = this.#createServer();
  }

  async listen(port = 0): Promise<this> {
    this.#server = this.#createServer();
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    this.port = (this.#server.address() as net.AddressInfo).port;
    return this;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** Mails that were taken: a 2xx to the final dot. */
  get taken(): Received[] {
    return this.received.filter(({ answer }) => typeof answer === 'string' && answer.startsWith('2'));
  }

  #createServer(): net.Server {
    const serve = (socket: net.Socket) => this.#serve(socket);
    return this.script.implicit === true ? tls.createServer(this.script.tls ?? {}, serve) : net.createServer(serve);
  }

  #serve(socket: net.Socket): void {
    this.connections += 1;
    const connection = new Connection(this, socket, this.connections, (stage, answers, fallback) =>
      this.#pick(stage, answers, fallback),
    );
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket));
    connection.begin();
  }

  #pick(stage: string, answers: Answers | undefined, fallback: Answer): Answer {
    if (answers === undefined) return fallback;
    if (typeof answers === 'function') return answers();
    if (!isList(answers)) return answers;
    const count = this.#counts.get(stage) ?? 0;
    this.#counts.set(stage, count + 1);
    return answers[Math.min(count, answers.length - 1)] ?? fallback;
  }
}

type Pick = (stage: string, answers: Answers | undefined, fallback: Answer) => Answer;

function isList(answers: Answers): answers is readonly Answer[] {
  return Array.isArray(answers);
}

const standard = ['PIPELINING', '8BITMIME', 'ENHANCEDSTATUSCODES', 'SIZE 10240000', 'SMTPUTF8'];

class Connection {
  readonly #server: ScriptedServer;
  readonly #number: number;
  readonly #pick: Pick;
  #socket: net.Socket;
  #buffer = Buffer.alloc(0);
  #from = '';
  #to: string[] = [];
  #inBody = false;
  #authSteps = 0;
  #isEncrypted: boolean;
  #isDeaf = false;

  constructor(server: ScriptedServer, socket: net.Socket, number: number, pick: Pick) {
    this.#server = server;
    this.#socket = socket;
    this.#number = number;
    this.#pick = pick;
    this.#isEncrypted = server.script.implicit === true;
  }

  begin(): void {
    this.#listen();
    this.#say(this.#pick('greeting', this.#server.script.greeting, '220 scripted ESMTP'));
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#read();
    });
    this.#socket.on('error', () => undefined); // the client may go as it likes
  }

  #read(): void {
    while (!this.#isDeaf) {
      if (this.#inBody) {
        if (!this.#readBody()) return;
        continue;
      }
      const end = this.#buffer.indexOf('\r\n');
      if (end < 0) return;
      const line = this.#buffer.subarray(0, end).toString('utf8');
      this.#buffer = this.#buffer.subarray(end + 2);
      this.#command(line);
    }
  }

  #readBody(): boolean {
    const { body, dot, dotFor } = this.#server.script;
    if (body !== undefined && this.#buffer.length >= body.after) {
      this.#isDeaf = true;
      this.#say(body.answer);
      return false;
    }
    const end = this.#buffer.subarray(0, 3).toString() === '.\r\n' ? 0 : this.#buffer.indexOf('\r\n.\r\n');
    if (end < 0) return false;
    const stuffed = this.#buffer.subarray(0, end === 0 ? 0 : end + 2).toString('latin1');
    this.#buffer = this.#buffer.subarray(end === 0 ? 3 : end + 5);
    this.#inBody = false;
    this.#server.onMoment();
    const bytes = Buffer.from(stuffed.replaceAll(/(^|\r\n)\.\./g, '$1.'), 'latin1');
    const answer =
      this.#to.length === 0
        ? '554 5.5.1 no valid recipients'
        : (dotFor?.(bytes.toString('latin1')) ?? this.#pick('dot', dot, '250 2.0.0 taken'));
    const messageId = /^message-id: *(.*)$/im.exec(bytes.toString('latin1'))?.[1]?.trim() ?? '';
    if (this.#to.length > 0)
      this.#server.received.push({
        to: this.#to,
        from: this.#from,
        bytes,
        messageId,
        answer,
        connection: this.#number,
        isEncrypted: this.#isEncrypted,
      });
    this.#say(answer);
    return true;
  }

  #command(line: string): void {
    this.#server.commands.push({ connection: this.#number, line, isEncrypted: this.#isEncrypted });
    this.#server.onMoment();
    const answer = this.#answerTo(line);
    if (answer !== null) this.#say(answer, /^QUIT/i.test(line));
  }

  /** Null: it was said already. */
  #answerTo(line: string): Answer | null {
    const { script } = this.#server;
    if (this.#authSteps > 0) return this.#onAuthLine();
    const verb = line.split(/[ :]/)[0]?.toUpperCase() ?? '';
    switch (verb) {
      case 'EHLO': {
        const offered = [
          ...(script.capabilities ?? standard),
          ...(script.starttls !== undefined && !this.#isEncrypted ? ['STARTTLS'] : []),
          ...(script.auth === undefined ? [] : ['AUTH PLAIN LOGIN XOAUTH2']),
        ];
        return this.#pick(
          'ehlo',
          script.ehlo,
          ['scripted', ...offered].map((word, i) => `250${i === offered.length ? ' ' : '-'}${word}`).join('\n'),
        );
      }
      case 'HELO':
        return this.#pick('helo', script.helo, '250 scripted');
      case 'STARTTLS':
        return this.#startTls();
      case 'AUTH':
        if (/^AUTH LOGIN$/i.test(line)) {
          this.#authSteps = 2;
          return '334 VXNlcm5hbWU6';
        }
        return this.#pick('auth', script.auth, '503 5.5.1 no AUTH');
      case 'MAIL':
        this.#from = between(line);
        this.#to = [];
        return this.#pick('mail', script.mail, '250 2.1.0 ok');
      case 'RCPT':
        return this.#recipient(between(line));
      case 'DATA': {
        const answer = this.#pick('data', script.data, this.#to.length > 0 ? '354 go' : '554 5.5.1 no valid recipients');
        this.#inBody = typeof answer === 'string' && answer.startsWith('354');
        return answer;
      }
      case 'RSET':
        return this.#pick('rset', script.rset, '250 ok');
      case 'QUIT':
        return this.#pick('quit', script.quit, '221 bye');
      default:
        return '502 5.5.2 unknown';
    }
  }

  #onAuthLine(): Answer {
    this.#authSteps -= 1;
    return this.#authSteps > 0 ? '334 UGFzc3dvcmQ6' : this.#pick('auth', this.#server.script.auth, '235 ok');
  }

  #recipient(to: string): Answer {
    const { rcpt, recipientsAtOnce } = this.#server.script;
    if (recipientsAtOnce !== undefined && this.#to.length >= recipientsAtOnce) return '452 4.5.3 too many recipients';
    const byAddress =
      typeof rcpt === 'object' && !Array.isArray(rcpt) && !('do' in rcpt) && !('say' in rcpt) && !('bytes' in rcpt);
    const answers = byAddress ? (rcpt as Readonly<Record<string, Answers>>)[to] : (rcpt as Answers | undefined);
    const answer = this.#pick(byAddress ? `rcpt ${to}` : 'rcpt', answers, '250 2.1.5 ok');
    if (typeof answer === 'string' && answer.startsWith('2')) this.#to.push(to);
    return answer;
  }

  #startTls(): null {
    const { script } = this.#server;
    const answer = this.#pick('starttls', script.starttls, '220 go');
    this.#say(answer);
    if (script.tls === undefined || !printed(answer).startsWith('220')) return null;
    this.#socket.removeAllListeners('data');
    const secure = new tls.TLSSocket(this.#socket, { isServer: true, secureContext: tls.createSecureContext(script.tls) });
    this.#socket = secure;
    this.#isEncrypted = true;
    this.#listen();
    return null;
  }

  #say(answer: Answer, isLast = false): void {
    if (typeof answer === 'string') {
      this.#socket.write(`${answer.replaceAll('\n', '\r\n')}\r\n`);
      if (isLast || answer.startsWith('421')) this.#socket.end();
    } else if ('bytes' in answer) this.#socket.write(answer.bytes);
    else if ('say' in answer) setTimeout(() => this.#socket.destroyed || this.#say(answer.say, isLast), answer.afterMs);
    else if (answer.do === 'hang') this.#isDeaf = true;
    else {
      this.#isDeaf = true;
      if (answer.do === 'drop') this.#socket.destroy();
      else this.#socket.resetAndDestroy();
    }
  }
}

function printed(answer: Answer): string {
  return typeof answer === 'string' ? answer : 'say' in answer ? answer.say : 'bytes' in answer ? answer.bytes : '';
}

function between(line: string): string {
  return /<(.*)>/.exec(line)?.[1] ?? '';
}

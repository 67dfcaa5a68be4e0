import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/lib/clock.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { MailDraft, MailServer } from '../../src/model/mail.ts';
import { defaultTimeouts } from '../../src/services/mail-queue/smtp-session.ts';
import { until } from '../faults/until.ts';
import { makeCertificates } from './certificates.ts';
import { type CrashTally, crashes } from './crashes.ts';
import { type FullDisksTally, fullDisks } from './full-disks.ts';
import { kills } from './kills.ts';
import { draft, QueueRig, type RigOptions, server } from './queue-rig.ts';
import { type Answer, instead, type Received, type Script, ScriptedServer } from './scripted-server.ts';

/** One fault of a mail server, and what must come of it. `run` throws what is wrong, and says what it saw. */
export interface MailFault {
  readonly id: string;
  readonly about: string;
  readonly run: (seed: number) => Promise<string>;
}

/** A minute in little more than a second; the time limits of a session stay as long as they are, but where they are the fault. */
function fast(speed: number): Pick<RigOptions, 'clock' | 'timeouts'> {
  const begun = Date.now();
  const clock: Clock = {
    now: () => begun + (Date.now() - begun) * speed,
    monotonic: () => systemClock.monotonic() * speed,
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
  };
  const timeouts = Object.fromEntries(Object.entries(defaultTimeouts).map(([name, ms]) => [name, Math.max(ms, 20_000) * speed]));
  return { clock, timeouts };
}

class Trial {
  readonly #closing: (() => Promise<unknown>)[] = [];

  async peer(script: Script = {}): Promise<ScriptedServer> {
    const peer = await new ScriptedServer(script).listen();
    this.#closing.push(() => peer.close());
    return peer;
  }

  async rig(servers: readonly MailServer[], options: RigOptions = {}): Promise<QueueRig> {
    const rig = await QueueRig.open(servers, options);
    this.#closing.push(() => rig.stop('hard'));
    rig.start();
    return rig;
  }

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'mail-fault-'));
    this.#closing.push(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }

  onEnd(close: () => Promise<unknown>): void {
    this.#closing.push(close);
  }

  async end(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
  }
}

const of = (...peers: readonly ScriptedServer[]) => peers.map((peer) => server(peer.port));
const stats = (rig: QueueRig) => rig.queue.operator.stats();
const left = (rig: QueueRig) => stats(rig).deliveries;
const empty = (rig: QueueRig, withinMs = 30_000) => until(() => left(rig) === 0, withinMs, `${left(rig)} deliveries are left`);
const ids = (mails: readonly Received[]) => new Set(mails.map(({ messageId }) => messageId));
const down: Partial<MailDraft> = { incident: { id: 'i', phase: 'down' } };
const up: Partial<MailDraft> = { incident: { id: 'i', phase: 'up' } };

function same(what: string, found: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: found ${a}, expected ${b}`);
}

function fault(id: string, about: string, body: (trial: Trial) => Promise<string>): MailFault {
  return {
    id,
    about,
    run: async () => {
      const trial = new Trial();
      try {
        return await body(trial);
      } finally {
        await trial.end();
      }
    },
  };
}

// For longer runs: MAIL_CRASHES=10000 MAIL_KILLS=500 npm run test:faults -- M11 M12
const crashCount = Number(process.env['MAIL_CRASHES'] ?? 2_000);
const killCount = Number(process.env['MAIL_KILLS'] ?? 60);
const diskCount = Number(process.env['MAIL_DISKS'] ?? 20);

function judged({ crashes: ends, accepted, lost, invented, doubled, uncertain }: CrashTally): string {
  const said = `${ends} ends, ${accepted} accepted, ${lost.length} lost, ${invented.length} invented, ${doubled} came twice, ${uncertain} uncertain`;
  if (lost.length > 0 || invented.length > 0 || doubled > uncertain)
    throw new Error(`${said}: ${[...lost, ...invented].slice(0, 5)}`);
  if (accepted === 0) throw new Error(`${said}: nothing was put to the test`);
  return said;
}

function judgedDisks({ disks, accepted, refused, reasons, lost, invented, doubled, uncertain }: FullDisksTally): string {
  const why = Object.entries(reasons).map(([reason, times]) => `${reason} ${times} times`);
  const said = `${disks} disks, ${accepted} accepted, ${refused} refused (${why}), ${lost.length} lost, ${invented.length} invented, ${doubled} came twice, ${uncertain} uncertain`;
  if (lost.length > 0 || invented.length > 0 || doubled > uncertain || Object.keys(reasons).join() !== 'ENOSPC')
    throw new Error(`${said}: ${[...lost, ...invented].slice(0, 5)}`);
  return said;
}

/** The faults of servers, in the order of their numbers. */
export const mailFaults: readonly MailFault[] = [
  fault(
    'M1',
    'the first server greets with 421, with 554, with nothing: the second has the mail in the same cycle',
    async (trial) => {
      for (const greeting of ['421 4.3.2 not now', '554 5.3.2 no', instead.hang] satisfies Answer[]) {
        const a = await trial.peer({ greeting });
        const b = await trial.peer();
        const rig = await trial.rig(of(a, b), { timeouts: { replyMs: 500 } });
        await rig.accept(draft('one'));
        await empty(rig);
        same('mails at B', b.taken.length, 1);
        same('state of A', rig.queue.servers()[0]?.state, 'cooling');
      }
      return '3 greetings, 1 mail each at B';
    },
  ),
  fault(
    'M2',
    'the server refuses connections for a minute while 500 mails wait: one probe a pause, each mail once, few sessions',
    async (trial) => {
      const peer = await trial.peer();
      await peer.close();
      const rig = await trial.rig(of(peer), fast(20));
      await rig.accept(...Array.from({ length: 500 }, (_, i) => draft(`m${i}`)));
      await until(() => rig.count('mail:server-away') >= 2, 30_000, 'it was not tried');
      const again = await new ScriptedServer().listen(peer.port);
      trial.onEnd(() => again.close());
      await empty(rig, 60_000);
      same('mails', [again.taken.length, ids(again.taken).size], [500, 500]);
      const tries = rig.queue.operator.gone(1_000).map(({ attempts }) => attempts);
      same('most tries of a mail', Math.max(...tries), 1);
      if (rig.count('mail:server-away') > 3) throw new Error(`${rig.count('mail:server-away')} probes in a minute`);
      if (again.connections > 2 + 5) throw new Error(`${again.connections} sessions for 500 mails`);
      return `${rig.count('mail:server-away')} probes, 500 mails once, ${again.connections} sessions`;
    },
  ),
  fault(
    'M3',
    'one of two recipients is refused for good: the other has one mail, one dead letter, the queue is empty',
    async (trial) => {
      const peer = await trial.peer({ rcpt: { 'r1@test.example': '550 5.1.1 no such user' } });
      const rig = await trial.rig(of(peer));
      await rig.accept(draft('one', { to: ['r1@test.example', 'r2@test.example'] }));
      await empty(rig);
      same(
        'mails',
        peer.taken.map(({ to }) => to),
        [['r2@test.example']],
      );
      same(
        'dead letters',
        rig.letters.map(({ to, reason }) => [to, reason]),
        [['r1@test.example', 'mail_recipient_refused']],
      );
      same(
        'told',
        rig.queue.store.failures(0, 9).map(({ failure }) => failure.recipient),
        ['r1@test.example'],
      );
      return '1 mail, 1 dead letter, 1 mail.failed';
    },
  ),
  fault('M4', 'a mail that is refused for its content stands before 100 good ones', async (trial) => {
    const peer = await trial.peer({ dotFor: (text) => (text.includes('subject poison') ? '554 5.6.0 no' : '250 ok') });
    const rig = await trial.rig(of(peer));
    await rig.accept(draft('poison'), ...Array.from({ length: 100 }, (_, i) => draft(`m${i}`)));
    await empty(rig);
    same('delivered and failed', [peer.taken.length, stats(rig).delivered, stats(rig).failed], [100, 100, 1]);
    return '100 delivered, 1 failed';
  }),
  fault(
    'M5',
    'a recipient is greylisted twice: three tries, the first wait at least 300 s, one mail, one Message-ID',
    async (trial) => {
      const peer = await trial.peer({ rcpt: ['450 4.2.0 greylisted', '450 4.2.0 greylisted', '250 ok'] });
      const quick = fast(200);
      const rig = await trial.rig(of(peer), quick);
      await rig.accept(draft('one'));
      await until(() => rig.queue.operator.list({ ids: 'all' }, 1)[0]?.state === 'deferred', 5_000, 'it was not deferred');
      const wait = rig.queue.operator.list({ ids: 'all' }, 1)[0]?.nextInMs ?? 0;
      await empty(rig);
      if (wait < 200_000) throw new Error(`it waits ${wait} ms only`); // some of its 300 s passed before we looked
      const tries = peer.commands.filter(({ line }) => line.startsWith('RCPT')).length;
      same('tries, mails', [tries, peer.taken.length], [3, 1]);
      return `3 tries, then 1 mail`;
    },
  ),
  fault('M6', '452 after 10 of 50 recipients: five transactions of one session', async (trial) => {
    const peer = await trial.peer({ recipientsAtOnce: 10 });
    const rig = await trial.rig(of(peer));
    await rig.accept(draft('one', { to: Array.from({ length: 50 }, (_, i) => `r${i}@test.example`) }));
    await empty(rig);
    same('transactions, sessions', [peer.taken.length, new Set(peer.taken.map(({ connection }) => connection)).size], [5, 1]);
    same('recipients', new Set(peer.taken.flatMap(({ to }) => to)).size, 50);
    same('deferred', rig.count('mail:deferred'), 0);
    return '5 transactions, 1 session, 50 delivered';
  }),
  fault(
    'M7',
    'the server falls silent after the final dot, twice, in three ways: same bytes again, uncertain 2, never to the other',
    async (trial) => {
      for (const way of [instead.drop, instead.reset, instead.hang]) {
        const a = await trial.peer({ dot: [way, way, '250 ok'] });
        const b = await trial.peer();
        const { clock, timeouts } = fast(100);
        const rig = await trial.rig(of(a, b), {
          ...(clock === undefined ? {} : { clock }),
          timeouts: { ...timeouts, dotMs: 60_000 },
        });
        await rig.accept(draft('one'));
        await empty(rig, 60_000);
        same('receipts, Message-IDs', [a.received.length, ids(a.received).size], [3, 1]);
        same('equal bytes', new Set(a.received.map(({ bytes }) => bytes.toString('latin1'))).size, 1);
        same('uncertain, copies at B', [stats(rig).uncertain, b.received.length], [2, 0]);
      }
      return '3 ways, 3 receipts each with one Message-ID, uncertain 2, nothing at B';
    },
  ),
  fault('M8', 'the connection is lost in the middle of the text: at the other server at once, not uncertain', async (trial) => {
    const a = await trial.peer({ body: { after: 200_000, answer: instead.drop } });
    const b = await trial.peer();
    const rig = await trial.rig(of(a, b));
    await rig.accept(draft('one', { text: `${'x'.repeat(70)}\n`.repeat(60_000) }));
    await empty(rig);
    same('mails at B, uncertain', [b.taken.length, stats(rig).uncertain], [1, 0]);
    return '1 mail at B, uncertain 0';
  }),
  fault('M9', 'the server drops or hangs at QUIT: one copy, the session is over within a second', async (trial) => {
    for (const quit of [instead.drop, instead.hang] satisfies Answer[]) {
      const peer = await trial.peer({ quit });
      const rig = await trial.rig(of(peer));
      await rig.accept(draft('one'));
      await empty(rig);
      await until(() => peer.commands.some(({ line }) => line === 'QUIT'), 10_000, 'no QUIT');
      await until(() => rig.queue.servers()[0]?.sessions === 0, 1_500, 'the session is not over');
      same('copies, server', [peer.received.length, rig.queue.servers()[0]?.state], [1, 'well']);
    }
    return '1 copy each';
  }),
  fault('M10', '421 to the final dot: later, not uncertain, in a new session', async (trial) => {
    const peer = await trial.peer({ dot: ['421 4.3.2 closing', '250 ok'] });
    const rig = await trial.rig(of(peer), fast(100));
    await rig.accept(draft('one'));
    await empty(rig);
    same('copies, sessions, uncertain', [peer.taken.length, peer.connections, stats(rig).uncertain], [1, 2, 0]);
    return '1 mail, 2 sessions, uncertain 0';
  }),
  {
    id: 'M11',
    about: `the process ends ${crashCount} times at a store call or while a server answers: nothing accepted is lost, no double that was not counted`,
    run: async (seed) => judged(await crashes(seed, crashCount)),
  },
  {
    id: 'M12',
    about: `the agent is killed ${killCount} times with SIGKILL while mails go: the same`,
    run: async (seed) => judged(await kills(seed, killCount)),
  },
  fault(
    'M13',
    'the disk is full, and then is not: nothing is accepted falsely, what was accepted is delivered',
    async (trial) => {
      let isFull = false;
      let count = 0;
      const peer = await trial.peer();
      const beforeTransaction = () => {
        count += 1;
        if (isFull) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      };
      const rig = await trial.rig(of(peer), { beforeTransaction });
      await rig.accept(draft('before'));
      isFull = true;
      const refused = await rig.accept(draft('refused')).then(
        () => 'accepted',
        (error: { code?: string }) => error.code,
      );
      const seen = count;
      await until(() => count > seen + 1, 10_000, 'nothing is tried while the disk is full');
      isFull = false;
      await rig.accept(draft('after'));
      await empty(rig);
      same('refused with', refused, 'ENOSPC');
      const subjects = new Set(peer.taken.map(({ bytes }) => /^Subject: (.*)\r$/m.exec(bytes.toString())?.[1]));
      same('mails', [...subjects].sort(), ['subject after', 'subject before']);
      return '2 accepted, 2 delivered, 1 refused';
    },
  ),
  fault(
    'M14',
    'STARTTLS is refused, is no TLS, is with a certificate of nobody, out of date, of another: no mail in plain text, an alarm, the other server',
    async (trial) => {
      const certificates = await makeCertificates(await trial.folder());
      const scripts: readonly Script[] = [
        {},
        { starttls: '454 4.7.0 not now' },
        { starttls: '220 go' },
        { starttls: '220 go', tls: certificates.selfSigned },
        { starttls: '220 go', tls: certificates.expired },
        { starttls: '220 go', tls: certificates.ofAnother },
      ];
      for (const script of scripts) {
        const a = await trial.peer(script);
        const b = await trial.peer({ starttls: '220 go', tls: certificates.good });
        const encrypted = { tls: 'required', tlsFiles: { ca_file: certificates.caFile, verify: true } } as const;
        const rig = await trial.rig([server(a.port, encrypted), server(b.port, encrypted)], { timeouts: { replyMs: 3_000 } });
        await rig.accept(draft('one'));
        await empty(rig);
        const plain = a.commands.filter(({ line, isEncrypted }) => !isEncrypted && /^(?:MAIL|RCPT|DATA|AUTH)/.test(line));
        same('plain commands', plain, []);
        same('mails at B, alarms', [b.taken.map(({ isEncrypted }) => isEncrypted), rig.count('mail:alarm')], [[true], 1]);
      }
      return `${scripts.length} ways, no mail in plain text, 1 alarm each`;
    },
  ),
  fault('M15', 'bytes in plain text follow the answer to STARTTLS: they are not taken for encrypted', async (trial) => {
    const certificates = await makeCertificates(await trial.folder());
    const peer = await trial.peer({ starttls: '220 go\n250-evil\n250 AUTH PLAIN', tls: certificates.good });
    const rig = await trial.rig([
      server(peer.port, { tls: 'required', tlsFiles: { ca_file: certificates.caFile, verify: true } }),
    ]);
    await rig.accept(draft('one'));
    await until(() => rig.count('mail:alarm') === 1, 10_000, 'no alarm');
    same('mails', [peer.received.length, left(rig)], [0, 1]);
    return 'refused, 1 alarm, the mail stays';
  }),
  fault(
    'M16',
    'every server refuses the credentials: mails stay, one alarm each, and go out once the password is another',
    async (trial) => {
      const folder = await trial.folder();
      const passwordFile = join(folder, 'password');
      await writeFile(passwordFile, 'wrong\n');
      let isRight = false;
      const auth = () => (isRight ? '235 ok' : '535 5.7.8 bad credentials');
      const a = await trial.peer({ auth: '535' });
      const b = await trial.peer({ auth: '535' });
      const rig = await trial.rig(
        [a, b].map((peer) => server(peer.port, { user: 'u', passwordFile })),
        fast(300),
      );
      await rig.accept(...Array.from({ length: 20 }, (_, i) => draft(`m${i}`)));
      await until(() => a.connections > 2 && b.connections > 2, 30_000, 'they are not tried again');
      same('mails, failed, alarms', [left(rig), stats(rig).failed, rig.count('mail:alarm')], [20, 0, 2]);
      isRight = true;
      a.script = { auth: auth() };
      await empty(rig);
      same('delivered', stats(rig).delivered, 20);
      return '20 mails stayed, 2 alarms, all delivered then';
    },
  ),
  fault('M17', 'a server that says a byte a second holds up nobody: the other one is used, accepting goes on', async (trial) => {
    const slow = await trial.peer({ dot: { say: '250 ok', afterMs: 600_000 } });
    const b = await trial.peer();
    const { clock, timeouts } = fast(20);
    const rig = await trial.rig(of(slow, b), {
      ...(clock === undefined ? {} : { clock }),
      timeouts: { ...timeouts, dotMs: 3_600_000 },
      window: 1,
    });
    const begun = Date.now();
    await rig.accept(...Array.from({ length: 50 }, (_, i) => draft(`m${i}`)));
    const acceptedMs = Date.now() - begun;
    await until(() => b.taken.length >= 40, 30_000, `${b.taken.length} of 50 came by the other server`);
    if (acceptedMs > 5_000) throw new Error(`accepting took ${acceptedMs} ms`);
    return `${b.taken.length} by the other server meanwhile`;
  }),
  fault(
    'M18',
    'down is accepted while the server is away, then up, then it is back: one combined mail, never up before down',
    async (trial) => {
      const peer = await trial.peer();
      await peer.close();
      const rig = await trial.rig(of(peer), fast(60));
      await rig.accept(draft('down', down));
      await until(() => rig.count('mail:server-away') > 0, 10_000, 'it was not tried');
      await rig.accept(draft('up', up));
      const again = await new ScriptedServer().listen(peer.port);
      trial.onEnd(() => again.close());
      await empty(rig);
      same('mails', again.taken.length, 1);
      if (!/subject down/.test(again.taken[0]?.bytes.toString() ?? '')) throw new Error('the mail does not tell of the down');
      return '1 mail that tells of both';
    },
  ),
  fault('M19', 'a mail is older than it may be: given up, a dead letter, mail.failed, not tried again', async (trial) => {
    const peer = await trial.peer({ mail: '451 4.3.0 later' });
    const rig = await trial.rig(of(peer), fast(3_000));
    await rig.accept(draft('old', { lifetimeMs: 2 * 3_600_000 }));
    await until(() => rig.letters.length > 0, 30_000, 'it was not given up');
    await empty(rig);
    const tries = peer.commands.filter(({ line }) => line.startsWith('MAIL')).length;
    await systemClock.sleep(300);
    same(
      'reason, tries since',
      [rig.letters[0]?.reason, peer.commands.filter(({ line }) => line.startsWith('MAIL')).length - tries],
      ['mail_expired', 0],
    );
    same(
      'told',
      rig.queue.store.failures(0, 9).map(({ failure }) => failure.reason),
      ['expired'],
    );
    return `given up after ${tries} tries`;
  }),
  fault(
    'M20',
    'the clock of the machine is set an hour forth and back: no burst, no stall, also over a restart',
    async (trial) => {
      let offset = 0;
      const clock: Clock = { ...systemClock, now: () => Date.now() + offset };
      const directory = await trial.folder();
      const peer = await trial.peer({ mail: ['451 4.3.0 later', '451 4.3.0 later', '250 ok'] });
      const options: RigOptions = { clock, directory, schedule: { firstMs: 1_500, longestMs: 1_500, greylistMs: 1_500 } };
      const first = await QueueRig.open(of(peer), options);
      first.start();
      await first.accept(draft('one'));
      const tries = () => peer.commands.filter(({ line }) => line.startsWith('MAIL')).length;
      await until(() => tries() === 1, 5_000, 'it was not tried');
      offset = 3_600_000;
      await systemClock.sleep(700);
      same('tries after an hour forth', tries(), 1);
      offset = -3_600_000;
      await until(() => tries() === 2, 5_000, 'an hour back stalls it');
      await until(() => first.queue.operator.list({ ids: 'all' }, 1)[0]?.state === 'deferred', 5_000, 'it is not deferred');
      await first.stop();
      const second = await trial.rig(of(peer), options);
      await empty(second, 10_000);
      return '3 tries, each after its pause';
    },
  ),
  fault(
    'M21',
    'lines of dots, bare line feeds, 2,000 characters, UTF-8, line breaks in a subject: byte for byte, no header more',
    async (trial) => {
      const peer = await trial.peer();
      const rig = await trial.rig(of(peer));
      const text = `.\n..\n.leading\n${'x'.repeat(2_000)}\nGrüße ☃ 日本\n\ttab \n...\n.`;
      await rig.accept(draft('one', { subject: 'Grüße\r\nBcc: evil@test.example\r\n\r\nhidden', text }));
      await empty(rig);
      const raw = peer.taken[0]?.bytes ?? Buffer.alloc(0);
      const [head = '', ...rest] = raw.toString('latin1').split('\r\n\r\n');
      if (/^bcc/im.test(head)) throw new Error('a header was injected');
      if (
        raw
          .toString('latin1')
          .split('\r\n')
          .some((line) => line.length > 998)
      )
        throw new Error('a line is too long');
      same('text', decoded(rest.join('\r\n\r\n')), text.replaceAll('\n', '\r\n'));
      return `${raw.length} bytes, as they were`;
    },
  ),
  fault('M23', 'the same output comes again through the next process on the data directory: one mail', async (trial) => {
    const peer = await trial.peer();
    const directory = await trial.folder();
    const first = await trial.rig(of(peer), { directory, owner: 'one' });
    await Promise.all([first.accept(draft('one')), first.accept(draft('one'))]);
    await empty(first);
    // Never both at once: two environments of one file in one process wait for each other for ever.
    await first.stop();
    const second = await trial.rig(of(peer), { directory, owner: 'two' });
    await Promise.all([second.accept(draft('one')), second.accept(draft('one'))]);
    await empty(second);
    same('mails', peer.received.length, 1);
    return '1 mail of 4 times accepted';
  }),
  {
    id: 'M24',
    about: `a real filesystem gets full ${diskCount} times while mails come and go, and has room again: as M13`,
    run: async (seed) => judgedDisks(await fullDisks(seed, diskCount)),
  },
];

/** Quoted-printable, or as it is. */
function decoded(body: string): string {
  const bytes = body
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8').replace(/\r\n$/, '');
}

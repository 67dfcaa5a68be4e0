import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../faults/until.ts';
import { draft, QueueRig, server } from '../../mail/queue-rig.ts';
import { requirements, virtualEnvironment } from '../python/virtual-environment.ts';

const script = new URL('./mailbox.py', import.meta.url).pathname;
const installMs = 540_000;

interface Taken {
  readonly from: string;
  readonly to: readonly string[];
  readonly utf8: boolean;
  readonly content: string;
}

describe('a real aiosmtpd', () => {
  let peer: ChildProcess;
  let taken: Taken[];
  let rig: QueueRig;

  beforeEach(async () => {
    const python = join(await virtualEnvironment(requirements.aiosmtpd), 'bin/python');
    peer = spawn(python, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: peer.stdout as NonNullable<typeof peer.stdout> });
    const [port] = (await once(lines, 'line')) as [string];
    taken = [];
    lines.on('line', (line) => taken.push(JSON.parse(line) as Taken));
    rig = await QueueRig.open([server(Number(port))]);
    rig.start();
  }, installMs);
  afterEach(async () => {
    await rig.stop();
    peer.kill('SIGKILL');
    await once(peer, 'exit');
  });

  const textOf = ({ content }: Taken) => Buffer.from(content, 'base64').toString('latin1');

  it('has each mail once, with those recipients that it takes', async () => {
    await rig.accept(
      ...Array.from({ length: 100 }, (_, i) => draft(`m${i}`, { to: [`r${i}@sink.test`, 'gone@sink.test', `s${i}@sink.test`] })),
    );
    await until(() => rig.queue.operator.stats().delivered === 200 && rig.letters.length === 100, 30_000, 'not all have an end');

    expect(taken.flatMap(({ to }) => to).sort()).toEqual(
      Array.from({ length: 100 }, (_, i) => [`r${i}@sink.test`, `s${i}@sink.test`])
        .flat()
        .sort(),
    );
    expect(new Set(rig.letters.map(({ to }) => to))).toEqual(new Set(['gone@sink.test']));
  });

  it('has lone dots, long lines and letters beyond ASCII as they were given, and no header that a subject brought', async () => {
    const text = `.\n..\n.leading\n${'x'.repeat(2_000)}\nGrüße ☃ 日本\n...\n.\n`;
    await rig.accept(draft('one', { to: ['jürgen@sink.test'], subject: 'web\r\nBcc: evil@sink.test\r\n\r\nGrüße', text }));
    await until(() => taken.length === 1, 30_000, 'it did not arrive');
    const [mail] = taken as [Taken];
    const [head = '', body = ''] = textOf(mail).split(/\r\n\r\n(.*)/s);

    expect(mail).toMatchObject({ to: ['jürgen@sink.test'], utf8: true });
    expect(head).not.toMatch(/^bcc/im);
    expect(decoded(head, body)).toBe(text.replaceAll('\n', '\r\n'));
  });
});

/** The text of a mail of one part. */
function decoded(head: string, body: string): string {
  const [, encoding = '7bit'] = /^content-transfer-encoding: *(\S+)/im.exec(head) ?? [];
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString();
  if (encoding !== 'quoted-printable') return Buffer.from(body, 'latin1').toString();
  const bytes = body
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}

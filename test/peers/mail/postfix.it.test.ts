import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../faults/until.ts';
import { draft, QueueRig, server } from '../../mail/queue-rig.ts';

const folder = process.env['POSTFIX_DIR'] ?? '';
const port = Number(new URL(process.env['SMTP_URL'] ?? 'smtp://missing:1').port);
const log = () => readFile(join(folder, 'mail.log'), 'utf8');

describe('a real Postfix', () => {
  let rig: QueueRig;

  beforeEach(async () => {
    const encrypted = { tls: 'required', tlsFiles: { ca_file: join(folder, 'cert.pem'), verify: true } } as const;
    rig = await QueueRig.open([server(port, encrypted)]);
    rig.start();
  });
  afterEach(() => rig.stop());

  const left = () => rig.queue.operator.list({ ids: 'all' }, 100);
  const sent = async (messageId: string) => {
    const queued = [...(await log()).matchAll(new RegExp(`cleanup.*: (\\w+): message-id=${messageId}`, 'g'))].map(([, id]) => id);
    const text = await log();
    return queued.flatMap((id) => [...text.matchAll(new RegExp(`${id}: to=<([^>]*)>.*status=sent`, 'g'))].map(([, to]) => to));
  };

  it('takes each recipient once, over verified TLS, and each refusal has its own end', async () => {
    const to = ['ok1@sink.test', 'hard@sink.test', 'soft@sink.test', 'full@sink.test', 'ok2@sink.test'];
    await rig.accept(draft('one', { to }));
    await until(() => rig.queue.operator.stats().delivered === 2 && rig.letters.length === 1, 30_000, 'not all have an end');

    expect(left().map((mail) => [mail.to, mail.state])).toEqual([
      ['soft@sink.test', 'deferred'],
      ['full@sink.test', 'deferred'],
    ]);
    expect(left()[0]?.nextInMs).toBeGreaterThan(250_000);
    expect(rig.letters.map((letter) => letter.to)).toEqual(['hard@sink.test']);
    const messageId = left()[0]?.messageId ?? '';
    await until(async () => (await sent(messageId)).length === 2, 30_000, 'Postfix did not send on both');
    expect((await sent(messageId)).sort()).toEqual(['ok1@sink.test', 'ok2@sink.test']);
  });

  it('takes 200 mails in few sessions, each once', async () => {
    await rig.accept(...Array.from({ length: 200 }, (_, i) => draft(`m${i}`, { to: [`r${i}@sink.test`] })));
    await until(() => rig.queue.operator.stats().delivered === 200, 60_000, 'not all were delivered');
    const text = await log();
    const taken = new Set([...text.matchAll(/to=<(r\d+@sink\.test)>.*status=sent/g)].map(([, address]) => address));

    await until(
      async () => [...(await log()).matchAll(/to=<r\d+@sink\.test>.*status=sent/g)].length >= 200,
      60_000,
      'not all went on',
    );
    expect([...(await log()).matchAll(/to=<r\d+@sink\.test>.*status=sent/g)]).toHaveLength(200);
    expect(taken.size).toBeLessThanOrEqual(200);
  });

  it('refuses what is too large, and takes the beginning of it under the same Message-ID', async () => {
    await rig.accept(draft('large', { to: ['big@sink.test'], text: 'x'.repeat(70).concat('\n').repeat(10_000) }));
    const [mail] = left();
    await until(() => rig.queue.operator.stats().delivered === 1, 30_000, 'it was not delivered');

    await until(async () => (await sent(mail?.messageId ?? '')).length === 1, 30_000, 'Postfix has no mail of that Message-ID');
  });

  it('takes a mail for more recipients than it allows at once in several transactions', async () => {
    await rig.accept(draft('many', { to: Array.from({ length: 50 }, (_, i) => `n${i}@sink.test`) }));
    await until(() => rig.queue.operator.stats().delivered === 50, 30_000, 'not all were delivered');

    expect(rig.count('mail:deferred')).toBe(0);
  });
});

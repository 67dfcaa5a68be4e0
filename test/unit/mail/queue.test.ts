import { afterEach, describe, expect, it } from 'vitest';
import type { MailDraft } from '../../../src/model/mail.ts';
import { until } from '../../faults/until.ts';
import { draft, QueueRig, type RigOptions, server } from '../../mail/queue-rig.ts';
import { instead, type Script, ScriptedServer } from '../../mail/scripted-server.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function smtp(script: Script = {}): Promise<ScriptedServer> {
  const peer = await new ScriptedServer(script).listen();
  closing.push(() => peer.close());
  return peer;
}

async function rigFor(peers: readonly ScriptedServer[], options: RigOptions = {}): Promise<QueueRig> {
  const rig = await QueueRig.open(
    peers.map((peer) => server(peer.port)),
    options,
  );
  closing.push(() => rig.stop());
  return rig;
}

const empty = (rig: QueueRig) => until(() => rig.queue.operator.stats().deliveries === 0, 15_000, 'the queue is not empty');
const subjectsAt = (peer: ScriptedServer) => peer.taken.map(({ bytes }) => /^Subject: (.*)\r$/m.exec(bytes.toString())?.[1]);
const states = (rig: QueueRig) => rig.queue.operator.list({ ids: 'all' }, 100).map(({ subject, state }) => [subject, state]);
const incident = (phase: 'down' | 'up' | 'reminder', id = 'i1'): Partial<MailDraft> => ({ incident: { id, phase } });

describe('mails of one incident', () => {
  it('go one after the other, each once the one before is there', async () => {
    const peer = await smtp({ rcpt: ['450 4.3.0 later', '250 ok'] });
    const rig = await rigFor([peer], { schedule: { firstMs: 300, longestMs: 300, greylistMs: 300 } });
    await rig.accept(draft('down', incident('down')));
    await rig.accept(draft('reminder', incident('reminder')));
    await rig.accept(draft('other', incident('down', 'i2')));
    rig.start();
    await empty(rig);

    const subjects = subjectsAt(peer);
    expect(subjects.filter((subject) => subject !== 'subject other')).toEqual(['subject down', 'subject reminder']);
    expect(subjects).toContain('subject other');
  });

  it('become one when the up finds its down unsent, and the down is never sent', async () => {
    const peer = await smtp();
    const rig = await rigFor([peer]);
    await rig.accept(draft('down', incident('down')));
    await rig.accept(draft('up', { ...incident('up'), at: draft('x').at + 90_000 }));

    expect(states(rig)).toEqual([['subject up (was: subject down)', 'queued']]);
    rig.start();
    await empty(rig);
    expect(peer.taken).toHaveLength(1);
    const text = peer.taken[0]?.bytes.toString().replaceAll('=\r\n', '') ?? '';
    expect(text).toContain('Was down from 2026-01-01 00:00:00 UTC to 2026-01-01 00:01:30 UTC (1 min 30 s).');
    expect(text).toContain('text of down');
    expect(rig.queue.operator.stats()).toMatchObject({ accepted: 2, delivered: 1, superseded: 1 });
  });

  it('stay two when the down may have arrived, and the up waits for it', async () => {
    const peer = await smtp({ dot: [instead.drop, '250 ok'] });
    const rig = await rigFor([peer]);
    await rig.accept(draft('down', incident('down')));
    rig.start();
    await until(() => rig.names().includes('mail:uncertain'), 5_000, 'it did not become uncertain');
    await until(() => states(rig)[0]?.[1] === 'uncertain', 5_000, 'that was not written down');
    await rig.accept(draft('up', incident('up')));

    expect(states(rig)).toEqual([
      ['subject down', 'uncertain'],
      ['subject up', 'waiting'],
    ]);
  });

  it('form one thread: the up refers to the Message-ID of the down', async () => {
    const peer = await smtp();
    const rig = await rigFor([peer]);
    rig.start();
    await rig.accept(draft('down', incident('down')));
    await empty(rig);
    await rig.accept(draft('up', incident('up')));
    await empty(rig);

    const [down, up] = peer.taken.map(({ bytes }) => bytes.toString().replaceAll(/\r\n[ \t]+/g, ' '));
    const id = /^Message-ID: (.*)\r$/m.exec(down ?? '')?.[1] ?? 'none';
    expect(up).toContain(`In-Reply-To: ${id}`);
    expect(/^References: (.*)\r$/m.exec(up ?? '')?.[1]).toContain(id);
  });

  it('go where the earlier ones of it are gathered, so that none overtakes', async () => {
    const peer = await smtp();
    const rig = await rigFor([peer]);
    await rig.accept(draft('down', { ...incident('down'), collect: { why: 'quiet', until: Date.now() + 3_600_000 } }));
    await rig.accept(draft('up', incident('up')));

    expect(rig.queue.operator.stats()).toMatchObject({ deliveries: 0, digestLines: 2 });
    await rig.queue.operator.flush();
    rig.start();
    await until(() => peer.taken.length === 1, 5_000, 'no digest came');
    expect(peer.taken[0]?.bytes.toString()).toMatch(/2 messages.*subject down.*subject up/s);
  });
});

describe('too many mails', () => {
  it('to one recipient are gathered into one, and none is lost', async () => {
    const peer = await smtp();
    const rig = await rigFor([peer]);
    for (let i = 0; i < 10; i++) await rig.accept(draft(`m${i}`, { rate: { mails: 3, perMs: 60_000 } }));

    expect(rig.queue.operator.stats()).toMatchObject({ deliveries: 3, digestLines: 7 });
    await rig.queue.operator.flush();
    rig.start();
    await until(() => peer.taken.length === 4, 5_000, 'the digest did not come');
    const text = peer.taken.map(({ bytes }) => bytes.toString()).join('');
    expect(Array.from({ length: 10 }, (_, i) => text.includes(`subject m${i}`))).toEqual(Array(10).fill(true));
  });

  it('for the queue are gathered from 80 % on, and refused at the bound as something to try again', async () => {
    const rig = await rigFor([], { caps: { deliveries: 10, bytes: 2 ** 30 } });
    for (let i = 0; i < 10; i++) await rig.accept(draft(`m${i}`));

    expect(rig.queue.operator.stats()).toMatchObject({ deliveries: 8, digestLines: 2 });
    await expect(rig.accept(draft('m10'))).rejects.toMatchObject({ class: 'retryable', code: 'mail_queue_full' });
    await expect(rig.accept(draft('m3'))).resolves.toBeUndefined();
  });
});

describe('a draft', () => {
  it('that comes again is known, for each recipient', async () => {
    const rig = await rigFor([]);
    await rig.accept(draft('one', { to: ['a@test.example'] }));
    await rig.accept(draft('one', { to: ['a@test.example', 'b@test.example', 'b@test.example'] }));

    expect(rig.queue.operator.list({ ids: 'all' }, 10).map(({ to }) => to)).toEqual(['a@test.example', 'b@test.example']);
  });

  it('is taken by every process on the data directory, and delivered by one of them', async () => {
    const peer = await smtp();
    const first = await rigFor([peer], { owner: 'one', isAlive: () => true });
    const second = await QueueRig.open([server(peer.port)], { directory: first.directory, owner: 'two', isAlive: () => true });
    closing.push(() => second.stop());
    first.start();
    await until(() => first.queue.isDeliverer, 5_000, 'the first does not deliver');
    second.start();
    await second.accept(draft('of the second'));
    await empty(first);

    expect([first.count('mail:delivered'), second.count('mail:delivered')]).toEqual([1, 0]);
  });
});

describe('a person', () => {
  it('can hold, retry and drop what waits', async () => {
    const peer = await smtp();
    const rig = await rigFor([peer]);
    await rig.accept(draft('a'), draft('b'), draft('c'));
    const { operator } = rig.queue;
    const [a, b] = operator.list({ ids: 'all' }, 3).map(({ id }) => ({ seq: Number(id.split('.')[0]), index: null }));
    await operator.hold({ ids: [a as { seq: number; index: null }] });
    await operator.drop({ ids: [b as { seq: number; index: null }] });
    rig.start();
    await until(() => peer.taken.length === 1, 5_000, 'the third was not sent');
    expect(states(rig)).toEqual([['subject a', 'held']]);
    await operator.retry({ ids: 'all' });
    await empty(rig);

    expect(subjectsAt(peer).sort()).toEqual(['subject a', 'subject c']);
  });
});

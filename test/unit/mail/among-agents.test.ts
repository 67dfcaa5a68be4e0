import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../faults/until.ts';
import { MemoryMails } from '../../mail/memory-mails.ts';
import { draft, QueueRig, type RigOptions, server } from '../../mail/queue-rig.ts';
import { ScriptedServer } from '../../mail/scripted-server.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** An agent with a queue on a disk of its own. */
async function agent(acceptedMails: MemoryMails, options: RigOptions & { readonly port?: number } = {}): Promise<QueueRig> {
  const { port = 1, ...more } = options;
  const rig = await QueueRig.open([server(port)], { ...more, acceptedMails });
  closing.push(() => rig.stop());
  return rig;
}

const waiting = (rig: QueueRig) => rig.queue.operator.list({ ids: 'all' }, 100).map(({ subject }) => subject);

describe('a mail that comes again to another agent', () => {
  it('is not accepted there once the first one has accepted it; those beside it are', async () => {
    const known = new MemoryMails();
    const [first, second] = [await agent(known), await agent(known)];
    await first.accept(draft('one'), draft('two'));
    await second.accept(draft('two'), draft('three'));

    expect([waiting(first), waiting(second)]).toEqual([['subject one', 'subject two'], ['subject three']]);
    expect(second.told).toEqual([{ name: 'mail:known', facts: { mails: 1 } }]);
  });

  it('is accepted there when the first one could not write it down', async () => {
    const known = new MemoryMails();
    const full = { beforeTransaction: () => Promise.reject(new Error('no space left')) };
    const [first, second] = [await agent(known, full), await agent(known)];
    await expect(first.accept(draft('one'))).rejects.toThrow('no space left');
    await second.accept(draft('one'));

    expect(waiting(second)).toEqual(['subject one']);
  });

  it('is accepted there as long as the first one waits for its first try, as `commit_after: attempt` wants', async () => {
    const known = new MemoryMails();
    const peer = await new ScriptedServer({ rcpt: '450 4.3.0 later' }).listen();
    closing.push(() => peer.close());
    const first = await agent(known, { port: peer.port });
    const accepting = first.queue.accept([draft('one')], { signal: new AbortController().signal, afterAttempt: true });
    await until(() => waiting(first).length === 1, 10_000, 'it is not accepted');
    const before = [...known.kept];
    first.start();
    await accepting;

    expect([before, known.kept]).toEqual([[], ['one']]);
  });
});

describe('while the others can be neither asked nor told', () => {
  it('every mail is accepted, and it is counted', async () => {
    const known = new MemoryMails();
    known.isAway = true;
    const first = await agent(known);
    await first.accept(draft('one'), draft('two'));

    expect(waiting(first)).toEqual(['subject one', 'subject two']);
    const facts = { mails: 2, error: new Error('away') };
    expect(first.told).toEqual([
      { name: 'mail:unshared', facts },
      { name: 'mail:unshared', facts },
    ]);
  });
});

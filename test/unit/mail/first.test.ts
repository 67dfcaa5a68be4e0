import { afterEach, describe, expect, it } from 'vitest';
import { SMTPServer } from 'smtp-server';
import { draft, QueueRig, server } from '../../mail/queue-rig.ts';
import { ScriptedServer } from '../../mail/scripted-server.ts';
import { until } from '../../faults/until.ts';

describe('a queue and a server', () => {
  it('delivers what it accepted, once', async () => {
    const mails: string[] = [];
    const peer = new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'], onData: (stream, _session, done) => {
      let text = ''; stream.setEncoding('latin1'); stream.on('data', (c: string) => { text += c; }); stream.on('end', () => { mails.push(text); done(); });
    } });
    await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
    const port = (peer.server.address() as { port: number }).port;
    const rig = await QueueRig.open([server(port)]);
    rig.start();
    await rig.accept(draft('one', { to: ['a@test.example', 'b@test.example'] }), draft('two'));
    await rig.accept(draft('one', { to: ['a@test.example', 'b@test.example'] }));
    await until(async () => rig.queue.operator.stats().deliveries === 0, 5000, 'not delivered');
    await rig.stop();
    console.log(mails.join('\n---\n'), rig.told);
    expect(mails).toHaveLength(2);
    await new Promise<void>((resolve) => peer.close(resolve));
  });
  it('scripted', async () => {
    const a = await new ScriptedServer({ greeting: '421 no' }).listen();
    const b = await new ScriptedServer({ rcpt: { 'bad@test.example': '550 5.1.1 no', 'full@test.example': '450 4.2.0 grey' } }).listen();
    const rig = await QueueRig.open([server(a.port), server(b.port)]);
    rig.start();
    await rig.accept(draft('one', { to: ['bad@test.example', 'b@test.example', 'full@test.example'] }), draft('two'));
    await until(async () => rig.queue.operator.stats().deliveries === 1, 5000, 'not delivered');
    console.log(b.commands.map((c) => c.line), rig.told, rig.letters, rig.queue.operator.list({ ids: 'all' }, 10), rig.queue.operator.gone(10), rig.queue.servers(), rig.queue.store.failures(0, 10));
    await rig.stop();
    await a.close(); await b.close();
  });
});

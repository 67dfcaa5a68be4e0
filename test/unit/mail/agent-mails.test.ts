import { SMTPServer } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../faults/until.ts';
import { AgentRig, notification } from '../../mail/agent-rig.ts';
import { ScriptedServer } from '../../mail/scripted-server.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const servers = (...ports: number[]) =>
  `mail:\n  from: Ceilograph <cg@test.example>\n  hello: cg.test.example\n  servers:\n${ports.map((port) => `    - { host: 127.0.0.1, port: ${port}, tls: off }\n`).join('')}`;

const sink = (notify: string) => `sink: alerts\nfrom: events\nmatch: ["*"]\npublish:\n  - mail:\n      notify:\n${notify}`;

async function makeAgent(mail: string, sinks: Readonly<Record<string, string>>): Promise<AgentRig> {
  const rig = await AgentRig.make(mail, sinks);
  closing.push(() => rig.remove());
  return rig;
}

async function scripted(script: ConstructorParameters<typeof ScriptedServer>[0]): Promise<ScriptedServer> {
  const server = await new ScriptedServer(script).listen();
  closing.push(() => server.close());
  return server;
}

describe('an agent with a publisher of mails', () => {
  it('turns an event of a pipeline into a mail that a real server has', async () => {
    const mails: string[] = [];
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData: (stream, _session, done) => {
        let text = '';
        stream.setEncoding('latin1');
        stream.on('data', (chunk: string) => {
          text += chunk;
        });
        stream.on('end', () => {
          mails.push(text);
          done();
        });
      },
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const { port } = server.server.address() as { port: number };
    const agent = await makeAgent(servers(port), {
      alerts: sink(
        '        - { to: ops@test.example, match: ["compute.*"], subject: "{{event_type}} of {{instance_id|nobody}}" }\n',
      ),
    });
    await agent.notify(
      notification('n1', 'compute.instance.delete.end', { instance_id: 'i-1' }),
      notification('n2', 'image.update'),
    );
    await agent.start();
    await until(() => mails.length > 0, 20_000, 'no mail came');

    expect(mails).toHaveLength(1);
    expect(mails[0]).toContain('Subject: compute.instance.delete.end of i-1\r\n');
    expect(mails[0]).toContain('To: ops@test.example\r\n');
  });

  it('lets no value of a notification add a header, a recipient or an end of the mail', async () => {
    const server = await scripted({});
    const agent = await makeAgent(servers(server.port), {
      alerts: sink('        - { to: "{{display_name|ops@test.example}}", subject: "{{event_type}} of {{instance_id}}" }\n'),
    });
    const hostile = 'web\r\nBcc: evil@test.example\r\n\r\n.\r\nQUIT\r\n';
    await agent.notify(
      notification('n1', 'compute.instance.delete.end', { instance_id: hostile }),
      notification('n2', 'compute.instance.delete.end', {
        instance_id: 'i-2',
        display_name: 'a@test.example>\r\nRCPT TO:<evil@test.example',
      }),
      notification('n3', 'compute.instance.delete.end', { instance_id: 'i-3' }),
    );
    await agent.start();
    await until(() => server.taken.length === 2 && agent.told.includes('publish:dead-letter'), 20_000, 'not all have an end');

    expect(server.taken.map(({ to }) => to)).toEqual([['ops@test.example'], ['ops@test.example']]);
    const text = server.taken.map(({ bytes }) => bytes.toString());
    expect(text.filter((one) => /^bcc/im.test(one))).toEqual([]);
    expect(text[0]).toContain('Subject: compute.instance.delete.end of web\\r\\nBcc:');
  });

  it('tells its pipelines of a mail that was given up, and mails that to all but whom it could not reach', async () => {
    const server = await scripted({ rcpt: { 'gone@test.example': '550 5.1.1 no such user' } });
    const agent = await makeAgent(servers(server.port), {
      alerts: sink('        - { to: [gone@test.example, ops@test.example], subject: "{{event_type}} {{recipient|}}" }\n'),
    });
    await agent.notify(notification('n1', 'host.down'));
    await agent.start();
    await until(() => server.taken.length >= 2, 20_000, 'not both mails came');

    const subjects = server.taken.map(({ to, bytes }) => [to.join(), /^Subject: (.*)$/m.exec(bytes.toString())?.[1]?.trim()]);
    expect(subjects).toEqual([
      ['ops@test.example', 'host.down'],
      ['ops@test.example', 'mail.failed gone@test.example'],
    ]);
    expect(agent.told.filter((name) => name === 'mail:failed')).toHaveLength(1);
  });

  it('keeps what it accepted over a restart, while the servers of its file are others', async () => {
    const away = await scripted({ greeting: '421 not now' });
    const agent = await makeAgent(servers(away.port), { alerts: sink('        - { to: ops@test.example }\n') });
    await agent.notify(notification('n1', 'host.down'));
    await agent.start();
    await until(() => agent.told.includes('mail:server-away'), 20_000, 'the server was not tried');
    await agent.stop();
    const server = await scripted({});
    await agent.configure(servers(server.port));
    await agent.start();
    await until(() => server.taken.length > 0, 20_000, 'the mail did not come');

    expect(server.taken).toHaveLength(1);
  });

  it('refuses to start without the servers that its sinks need', async () => {
    const agent = await makeAgent('', { alerts: sink('        - { to: ops@test.example }\n') });

    await expect(agent.start()).rejects.toMatchObject({ code: 'no_mail_servers' });
  });
});

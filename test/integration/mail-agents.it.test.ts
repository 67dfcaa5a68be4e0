import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterUnderTest } from '../cluster/cluster-under-test.ts';
import { Feeder } from '../cluster/feeder.ts';
import { type Servers, startServers } from '../cluster/servers.ts';
import { manyResources } from '../cluster/traffic.ts';
import { pause, until } from '../faults/until.ts';
import { ScriptedServer } from '../mail/scripted-server.ts';

const mails = 90;
const sinks = {
  'alerts.yaml': `sink: alerts
from: samples
match: [cpu]
partition_by: [resource_id]
partitions: 2
publish:
  - mail:
      notify:
        - { to: ops@test.example, subject: "mail {{id}}", rate: off }
`,
};

let folder: string;
let servers: Servers;
let cluster: ClusterUnderTest;
let feeder: Feeder;
let peer: ScriptedServer;

const subjects = () => peer.taken.map(({ bytes }) => /^Subject: (.*)\r$/m.exec(bytes.toString('latin1'))?.[1] ?? '?');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-mail-agents-'));
  servers = await startServers('mail-agents');
  peer = await new ScriptedServer().listen();
  const pipelines = join(folder, 'none');
  await mkdir(pipelines);
  const settings = {
    mail: { from: 'cg@test.example', hello: 'cg.test.example', servers: [{ host: '127.0.0.1', port: peer.port, tls: 'off' }] },
  };
  cluster = await ClusterUnderTest.prepare({ cluster: 'mail-agents', folder, servers, pipelines, sinks, settings });
  feeder = new Feeder(servers.rabbitmq.url);
}, 120_000);

afterAll(async () => {
  await feeder.close();
  await cluster.close();
  await servers.stop();
  await peer.close();
  await rm(folder, { recursive: true });
}, 60_000);

describe('an agent that is killed between accepting mails and noting that they are out', { timeout: 120_000 }, () => {
  it('leaves mails that come once, though another agent has the partition and publishes them again', async () => {
    // Nothing is being sent when it dies: what may have arrived would come again, as it should.
    peer.script = { greeting: '421 4.3.2 not now' };
    await cluster.start('a0', { CEILOGRAPH_CRASH_AT: 'before-clear' });
    await feeder.feed(manyResources(mails, 1, mails), 100);
    await cluster.died('a0');
    peer.script = {};
    await cluster.start('a1');
    const isKnown = async () => (await cluster.log('a1')).includes('are accepted already');
    await until(isKnown, 60_000, 'nothing came again to the other agent');
    // What the first one had accepted is on its own disk.
    await cluster.start('a0');
    await until(() => new Set(subjects()).size >= mails, 60_000, 'not every mail came');
    await pause(2_000);

    expect([subjects().length, new Set(subjects()).size]).toEqual([mails, mails]);
  });
});

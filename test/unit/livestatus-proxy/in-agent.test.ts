import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { liveproxyProblems } from '../../../src/agent/load-liveproxy.ts';
import { loadSetup } from '../../../src/config/load-setup.ts';
import { until } from '../../faults/until.ts';
import { ScriptedSite } from '../../livestatus/rig.ts';
import { AgentRig } from '../../mail/agent-rig.ts';

describe('a Livestatus proxy in an agent', () => {
  let agent: AgentRig;
  let site: ScriptedSite;

  beforeEach(async () => {
    agent = await AgentRig.make('liveproxy: lp.yaml\n', {
      all: 'sink: all\nfrom: events\nmatch: ["*"]\npublish: [{ file: { path: out.jsonl } }]\n',
    });
    site = await new ScriptedSite(join(agent.folder, 'upstream')).start();
  });
  afterEach(async () => {
    await agent.remove();
    await site.stop();
  });

  const sites = (text: string) => writeFile(join(agent.folder, 'lp.yaml'), `run_dir: run\nsites:\n${text}`);
  const upstream = () => `{ socket: "unix:${join(agent.folder, 'upstream')}" }`;
  const ask = async (name: string) => {
    const socket = connect({ path: join(agent.folder, 'run', 'liveproxy', name) });
    socket.end('GET hosts\n\n');
    let answer = '';
    for await (const chunk of socket.setEncoding('utf8')) answer += chunk;
    return answer;
  };

  it('serves the sites of its file, takes up another on a reload, and leaves nothing behind', async () => {
    await sites(`  muc: ${upstream()}\n`);
    await agent.start();
    expect(await ask('muc')).toBe('GET hosts\n');

    await sites(`  muc: ${upstream()}\n  ham: ${upstream()}\n`);
    expect(await agent.reload()).toMatchObject({ ok: true });
    expect(await ask('ham')).toBe('GET hosts\n');
    const state = join(agent.folder, 'run', 'liveproxyd.state');
    await until(() => existsSync(state), 10_000, 'no state file');
    expect(await readFile(join(agent.folder, 'run', 'liveproxyd.pid'), 'utf8')).toMatch(new RegExp(`^${process.pid}\n`));

    await agent.stop();
    expect([state, join(agent.folder, 'run/liveproxyd.pid'), join(agent.folder, 'run/liveproxy/muc')].filter(existsSync)).toEqual(
      [],
    );
  });

  it('goes on as it was when the file has become wrong, and says so', async () => {
    await sites(`  muc: ${upstream()}\n`);
    await agent.start();

    await sites('  muc: { socket: nowhere }\n');
    await agent.reload();

    expect(agent.told).toContain('livestatus:not-reloaded');
    expect(await ask('muc')).toBe('GET hosts\n');
  });

  it('keeps an agent from starting with a file that is wrong, which `check` tells with its line', async () => {
    await sites('  muc: { socket: nowhere }\n');
    const { config } = await loadSetup({ config: join(agent.folder, 'agent.yaml') }, {});

    expect(await liveproxyProblems(config)).toMatchObject([
      { file: join(agent.folder, 'lp.yaml'), line: 3, path: 'sites.muc.socket' },
    ]);
    await expect(agent.start()).rejects.toThrow('lp.yaml:3:18 sites.muc.socket: expected unix:/path');
  });
});

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { behindProxy, icingaSocket } from './site-behind-proxy.ts';

const run = promisify(execFile);
/** Prints what the client makes of one question, as JSON. */
const program = `
import json, sys
from mk_livestatus import Socket
socket = Socket(sys.argv[1])
query = getattr(socket, sys.argv[2]).columns(*sys.argv[3].split(','))
for text in sys.argv[4:]:
    query = query.filter(text)
print(json.dumps(query.call()))
`;

describe('python-mk-livestatus 0.4', () => {
  let dir: string;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'python-mk-livestatus-'));
    await run('python3', ['-m', 'venv', dir]);
    await run(join(dir, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', 'python-mk-livestatus==0.4']);
  }, 180_000);

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const ask = async (socket: string, ...query: readonly string[]): Promise<unknown> => {
    const { stdout } = await run(join(dir, 'bin/python'), ['-c', program, socket, ...query], { timeout: 30_000 });
    return JSON.parse(stdout);
  };

  it('gets the same from Icinga directly and through the proxy', async () => {
    await using lp = await behindProxy(`unix:${icingaSocket()}`);
    for (const query of [
      ['hosts', 'name,groups,address', 'name ~ ^host1'],
      ['services', 'host_name,description', 'host_name = host2'],
      ['hosts', 'name', 'name = nobody'],
    ]) {
      const direct = await ask(icingaSocket(), ...query);

      expect(await ask(lp.socket, ...query)).toEqual(direct);
    }
  });

  it('asks the proxy about itself', async () => {
    await using lp = await behindProxy(`unix:${icingaSocket()}`);

    expect(await ask(lp.own, 'hosts', 'name,state')).toEqual([{ name: 'icinga', state: 0 }]);
    expect(await ask(lp.own, 'sites', 'name,policy,status', 'status = 0')).toEqual([
      { name: 'icinga', policy: 'ondemand', status: 0 },
    ]);
    expect(await ask(lp.own, 'columns', 'name,type', 'table = status', 'name = num_hosts')).toEqual([
      { name: 'num_hosts', type: 'int' },
    ]);
    expect(await ask(lp.own, 'hosts', 'name', 'name = nobody')).toEqual([]);
  });
});

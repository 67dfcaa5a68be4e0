import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from '../faults/until.ts';
import type { LivestatusFault } from './fault.ts';
import { framed, ScriptedSite, TestClient } from './rig.ts';

const projectDir = fileURLToPath(new URL('../..', import.meta.url));
const program = join(projectDir, 'dist/cli/main.js');
const withinMs = 20_000;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function call(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { env: { ...process.env, ...env }, timeout: withinMs });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

const ceilograph = (...args: readonly string[]) => call(process.execPath, [program, ...args]);

async function asked(path: string, request = 'GET hosts\n\n'): Promise<string> {
  const client = await TestClient.open(path);
  client.send(request);
  return client.all();
}

/** A folder, and a site in it that answers. Everything ends with the fault, the programs first. */
async function world(work: (dir: string, site: ScriptedSite, programs: Set<ChildProcess>) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'lp-'));
  const site = await new ScriptedSite(join(dir, 'up')).start();
  const programs = new Set<ChildProcess>();
  try {
    await work(dir, site, programs);
  } finally {
    for (const each of programs) {
      if (each.exitCode !== null || each.signalCode !== null) continue;
      each.kill('SIGKILL');
      await once(each, 'exit');
    }
    await site.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Faults of the built program (`npm run build`), started for real. */
export const faultsOfPrograms: readonly LivestatusFault[] = [
  {
    id: 'V1',
    about:
      '-g logs to standard output, --debug each query; --daemon returns when the sockets are open and logs to its file; errors have places',
    slow: true,
    run: () =>
      world(async (dir, site, programs) => {
        const file = join(dir, 'lp.yaml');
        await writeFile(
          file,
          `run_dir: ${dir}/run\nlog_file: ${dir}/log/livepd.log\nsites:\n  muc: { socket: "unix:${site.path}" }\n`,
        );
        assert.match((await ceilograph('liveproxy', '--help')).stdout, /--daemon[\s\S]*--debug/);
        const foreground = spawn(process.execPath, [program, 'liveproxy', '-c', file, '-g', '--debug'], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        programs.add(foreground);
        let out = '';
        foreground.stdout.on('data', (chunk) => {
          out += chunk;
        });
        await until(() => out.includes('"event":"livestatus:ready"'), withinMs, 'no site');
        assert.equal(await asked(join(dir, 'run/liveproxy/muc')), 'GET hosts\n');
        await until(() => /"event":"livestatus:query"[^\n]*"trace":"muc\.1\.1"/.test(out), withinMs, 'no query in the log');
        const second = await ceilograph('liveproxy', '-c', file);
        assert.equal(second.code, 1);
        assert.match(second.stderr, /another process answers there; stop it first \(cannot_listen\)/);
        foreground.kill('SIGTERM');
        assert.deepEqual(await once(foreground, 'exit'), [0, null]);
        assert.equal(existsSync(join(dir, 'run/liveproxy/muc')), false);

        const daemon = await ceilograph('liveproxy', '-c', file, '--daemon');
        assert.equal(daemon.code, 0, daemon.stderr);
        const pid = Number((await readFile(join(dir, 'run/liveproxyd.pid'), 'utf8')).split('\n')[0]);
        try {
          assert.equal(await asked(join(dir, 'run/liveproxy/muc')), 'GET hosts\n');
          assert.match((await ceilograph('liveproxy', 'status', '-c', file)).stdout, /^-+\nCurrent state:\n\[muc\]/);
          await rename(join(dir, 'log/livepd.log'), join(dir, 'log/old'));
          process.kill(pid, 'SIGHUP');
          await until(
            async () => (await readFile(join(dir, 'log/livepd.log'), 'utf8').catch(() => '')).includes('livestatus:reloaded'),
            withinMs,
            'not reloaded',
          );
        } finally {
          process.kill(pid, 'SIGTERM');
        }
        await until(() => !existsSync(join(dir, 'run/liveproxyd.pid')), withinMs, 'not stopped');
        await writeFile(file, 'sites:\n  muc: { socket: "10.0.0.1", chanels: 3 }\n');
        const wrong = await ceilograph('liveproxy', '-c', file, '--daemon');
        assert.equal(wrong.code, 1);
        assert.match(wrong.stderr, /lp\.yaml:2:\d+ sites\.muc\.socket: expected unix:\/path/);
        assert.match(wrong.stderr, /unknown key "chanels"; did you mean "channels"\?/);
      }),
  },
  {
    id: 'V2',
    about: 'OMD: the hook takes the sites from sites.mk, the start script starts, reloads, shows, restarts and stops the proxy',
    slow: true,
    run: () =>
      world(async (root, site) => {
        await mkdir(join(root, 'etc/check_mk/multisite.d'), { recursive: true });
        const sitesMk = join(root, 'etc/check_mk/multisite.d/sites.mk');
        const entry = (id: string) =>
          `'${id}': {'socket': ('unix', {'path': '${site.path}'}), 'proxy': {'params': {'channels': 2}}}`;
        await writeFile(sitesMk, `sites.update({${entry('muc')}, 'direct': {'socket': 'tcp:h:1', 'proxy': None}})\n`);
        const wrapper = join(root, 'ceilograph');
        await writeFile(wrapper, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o755 });
        const env = { OMD_ROOT: root, OMD_SITE: 'heute', CEILOGRAPH: wrapper };
        const hook = (...args: readonly string[]) => call(join(projectDir, 'deploy/omd/hooks/LIVEPROXY'), args, env);
        const script = (action: string) => call(join(projectDir, 'deploy/omd/liveproxy'), [action], env);
        const socket = (id: string) => join(root, 'tmp/run/liveproxy', id);

        assert.equal((await hook('default')).stdout, 'off\n');
        assert.match((await hook('choices')).stdout, /^on: .*\noff: /);
        assert.deepEqual(await hook('set', 'on'), {
          code: 0,
          stdout: '',
          stderr: 'direct: not through the proxy, it does not use the proxy\nno proxy runs yet\n',
        });
        assert.equal(await readFile(join(root, 'etc/check_mk/multisite.d/liveproxy.mk'), 'utf8'), 'liveproxy = True\n');
        assert.equal((await script('status')).code, 2);
        const started = await script('start');
        assert.equal(started.code, 0, started.stderr);
        try {
          assert.match((await script('status')).stdout, /^liveproxy runs as \d+\n$/);
          assert.match((await script('start')).stdout, /runs already/);
          assert.equal(await asked(socket('muc')), 'GET hosts\n');
          const before = (await script('status')).stdout;
          await writeFile(sitesMk, `sites = {${entry('muc')}, ${entry('ber')}}\n`);
          assert.match((await ceilograph('liveproxy', 'enable', '--omd', root)).stderr, /reads it again/);
          await until(() => existsSync(socket('ber')), withinMs, 'the new site is not served');
          assert.equal(await asked(socket('ber')), 'GET hosts\n');
          assert.equal((await script('status')).stdout, before);
          assert.equal((await script('restart')).code, 0);
          assert.notEqual((await script('status')).stdout, before);
          assert.equal(await asked(socket('muc')), 'GET hosts\n');
          assert.match(await readFile(join(root, 'var/log/livepd.log'), 'utf8'), /livestatus:ready/);
          await writeFile(sitesMk, "sites = __import__('os').system('touch /tmp/never')\n");
          const refused = await ceilograph('liveproxy', 'enable', '--omd', root);
          assert.equal(refused.code, 1);
          assert.match(refused.stderr, /sites\.mk:1 __import__ is a name, and names are not looked up; nothing is executed/);
        } finally {
          assert.equal((await script('stop')).code, 0);
        }
        assert.equal((await script('status')).code, 2);
        assert.equal((await hook('set', 'off')).code, 0);
        assert.equal(await readFile(join(root, 'etc/check_mk/multisite.d/liveproxy.mk'), 'utf8'), 'liveproxy = False\n');
      }),
  },
  {
    id: 'V52',
    about:
      '200 sites with ten channels each: all open within the file limit, each answers, at most 150 MiB of memory; a lower limit is refused at the start',
    slow: true,
    run: () =>
      world(async (dir, site, programs) => {
        const sites = 200;
        const file = join(dir, 'lp.yaml');
        const rows = Array.from({ length: sites }, (_, i) => `  s${i}: { socket: "unix:${site.path}" }`);
        await writeFile(file, `run_dir: ${dir}/run\nsites:\n${rows.join('\n')}\n`);
        const proxy = spawn(process.execPath, [program, 'liveproxy', '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] });
        programs.add(proxy);
        await until(() => site.open.size === sites * 11, 60_000, 'not all channels are open');
        site.script = (request, socket) => {
          socket.write(framed(200, `${request.length}`));
        };
        for (let i = 0; i < sites; i++) assert.match(await asked(join(dir, 'run/liveproxy', `s${i}`)), /^\d+$/);
        const status = await readFile(`/proc/${proxy.pid}/status`, 'utf8');
        const mib = Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
        console.log(`200 sites, ${site.open.size} connections, RssAnon ${mib.toFixed(0)} MiB`);
        assert.ok(mib <= 150, `${mib} MiB`);
        proxy.kill('SIGTERM');
        assert.deepEqual(await once(proxy, 'exit'), [0, null]);
        const few = await call('bash', ['-c', `ulimit -n 1024; exec '${process.execPath}' '${program}' liveproxy -c '${file}'`]);
        assert.equal(few.code, 1);
        assert.match(
          few.stderr,
          /200 sites need \d+ open files and as many for their clients, this process may have 1024: raise LimitNOFILE/,
        );
      }),
  },
];

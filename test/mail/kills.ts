import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seeded } from '../faults/random.ts';
import { pause, until } from '../faults/until.ts';
import { projectDir } from '../run/program.ts';
import type { CrashTally } from './crashes.ts';
import { ScriptedServer } from './scripted-server.ts';

const shortestLifeMs = 500;
const longestLifeMs = 3_500;
const mailsALife = 40;

/**
 * The built agent, killed with SIGKILL at random moments while notifications come and mails go; then one that lives. It accepted a
 * notification when it has read on in its file; every notification must have become a mail that the server took.
 */
export async function kills(seed: number, count: number): Promise<CrashTally> {
  const random = seeded(seed);
  const folder = await mkdtemp(join(tmpdir(), 'mail-kills-'));
  const peer = await new ScriptedServer().listen();
  await mkdir(join(folder, 'pipelines'));
  await writeFile(
    join(folder, 'agent.yaml'),
    `cluster: c\ndata_dir: data\npipelines: pipelines\nlog: { level: error }\ninputs:\n  - file: { path: in.jsonl, follow: true }\nmail:\n  from: cg@test.example\n  hello: cg.test.example\n  first_retry: 1s\n  servers: [{ host: 127.0.0.1, port: ${peer.port}, tls: "off" }]\n`,
  );
  await writeFile(
    join(folder, 'pipelines/alerts.yaml'),
    'sink: alerts\nfrom: events\nmatch: ["host.*"]\npublish:\n  - mail: { notify: [{ to: ops@test.example, subject: "subject {{message_id}}", rate: "off" }] }\n',
  );
  const offered = new Set<string>();
  const notify = async (life: number) => {
    const ids = Array.from({ length: mailsALife }, (_, i) => `k${life}m${i}`);
    for (const id of ids) offered.add(id);
    const lines = ids.map((id) =>
      JSON.stringify({
        message_id: id,
        publisher_id: 'p',
        event_type: 'host.down',
        priority: 'INFO',
        timestamp: '2026-01-01 00:00:00',
        payload: {},
      }),
    );
    await writeFile(join(folder, 'in.jsonl'), `${lines.join('\n')}\n`, { flag: 'a' });
  };
  const start = () =>
    spawn(process.execPath, ['dist/cli/main.js', 'agent', '-c', join(folder, 'agent.yaml')], {
      cwd: projectDir,
      stdio: 'ignore',
    });
  let running: ChildProcess | null = null;
  try {
    for (let life = 0; life < count; life++) {
      await notify(life);
      running = start();
      await pause(shortestLifeMs + random() * (longestLifeMs - shortestLifeMs));
      await killed(running, 'SIGKILL');
    }
    running = start();
    const taken = () => new Set(peer.taken.map(({ bytes }) => nameOf(bytes)));
    await until(() => taken().size >= offered.size, 120_000, `${taken().size} of ${offered.size} mails came`).catch(
      () => undefined,
    ); // told below
    await killed(running, 'SIGTERM');
    const names = peer.taken.map(({ bytes }) => nameOf(bytes));
    const there = new Set(names);
    return {
      crashes: count,
      accepted: offered.size,
      lost: [...offered].filter((name) => !there.has(name)),
      invented: [...there].filter((name) => !offered.has(name)),
      doubled: names.length - there.size,
      uncertain: await uncertainIn(folder),
    };
  } finally {
    if (running !== null) await killed(running, 'SIGKILL');
    await peer.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function nameOf(bytes: Buffer): string {
  return /^Subject: subject (.*)\r$/m.exec(bytes.toString('latin1'))?.[1] ?? '?';
}

async function killed(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

/** As `ceilograph mail list --json` says. */
async function uncertainIn(folder: string): Promise<number> {
  const out = join(folder, 'list.json');
  const child = spawn(
    'sh',
    ['-c', `${process.execPath} dist/cli/main.js mail list --json -c ${join(folder, 'agent.yaml')} > ${out}`],
    { cwd: projectDir },
  );
  await new Promise((resolve) => child.once('exit', resolve));
  return (JSON.parse(await readFile(out, 'utf8')) as { stats: { uncertain: number } }).stats.uncertain;
}

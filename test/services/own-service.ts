import { execFile } from 'node:child_process';
import { readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('./services.sh', import.meta.url));
export const run = promisify(execFile);

/** A server that `services.sh` started for one test file alone. */
export interface OwnService {
  readonly folder: string;
  /** What the script exported; throws when it did not. */
  need(name: string): string;
  /** Of the leader of its process group. */
  pid(): number;
  /** As the running process has it. */
  readonly commandLine: readonly string[];
  /** SIGKILL to everything that belongs to it; it is gone when this resolves. */
  kill(): Promise<void>;
  /** Another process has its place. */
  replaced(pid: number | undefined): Promise<void>;
  /** With its data. */
  dispose(): Promise<void>;
}

export async function startOwn(service: 'kafka' | 'rabbitmq', env: NodeJS.ProcessEnv): Promise<OwnService> {
  const { stdout } = await run(script, ['start', service], { env });
  const exported = new Map([...stdout.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name ?? '', value ?? '']));
  const need = (name: string) => {
    const value = exported.get(name);
    if (value === undefined) throw new Error(`services.sh did not say ${name}: ${stdout}`);
    return value;
  };
  const folder = join(need('SERVICES_DIR'), service);
  const pidFile = join(folder, 'main.pid');
  let pid = Number(await readFile(pidFile, 'utf8'));
  return {
    folder,
    need,
    pid: () => pid,
    commandLine: splitAtNul(await readFile(`/proc/${pid}/cmdline`, 'utf8')),
    async kill() {
      process.kill(-pid, 'SIGKILL');
      while ((await readlink(`/proc/${pid}/cwd`).catch(() => '')) !== '') await new Promise((resolve) => setTimeout(resolve, 5));
    },
    async replaced(by) {
      pid = by ?? 0;
      await writeFile(pidFile, String(pid));
    },
    async dispose() {
      await run(script, ['stop', need('SERVICES_DIR')]);
    },
  };
}

/** Of `/proc`. */
export function splitAtNul(text: string): string[] {
  return text.split('\0').filter((part) => part !== '');
}

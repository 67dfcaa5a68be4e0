import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * The processes of a bench. None outlives the one that started it, however that one ends: at SIGINT and SIGTERM they are told to end
 * and waited for, at any other exit they are told, and each of them looks after its parent, should that be killed outright.
 */
const parentVariable = 'BENCH_PARENT_PID';
const patienceMs = 20_000;
const running = new Map<ChildProcess, NodeJS.Signals>();
let ending = false;

/** `endWith` SIGKILL: for one that has nothing to put away. */
export function start(
  command: readonly string[],
  { endWith = 'SIGTERM', ...options }: SpawnOptions & { endWith?: NodeJS.Signals },
): ChildProcess {
  const [program = '', ...args] = command;
  const env = { ...process.env, ...options.env, [parentVariable]: `${process.pid}` };
  const child = spawn(program, args, { ...options, env });
  running.set(child, endWith);
  child.once('exit', () => running.delete(child));
  return child;
}

/** The exit code, null after a signal. While we are ending ourselves it never comes: a child that ends then is no failure to report. */
export async function exited(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once('exit', resolve));
  return ending ? new Promise(() => undefined) : child.exitCode;
}

/** `dist/`, as it is measured. What the build says is not for stdout, where figures go. */
export async function build(): Promise<void> {
  const code = await exited(start(['npm', 'run', '--silent', 'build'], { stdio: ['ignore', 'ignore', 'inherit'] }));
  if (code !== 0) throw new Error('the build failed');
}

/** The same bench once more, with a server of its own that is started before and stopped after it: its exit code. */
export async function againWith(server: string, bench: string, flags: readonly string[] = []): Promise<number> {
  const services = fileURLToPath(new URL('../test/services/services.sh', import.meta.url));
  const again = [process.execPath, '--import', 'tsx', fileURLToPath(bench), ...flags, ...process.argv.slice(2)];
  return (await exited(start(['bash', services, 'run', server, '--', ...again], { stdio: 'inherit' }))) ?? 1;
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

/** To be called first by every process of a bench. */
export function endTogether(parent = Number(process.env[parentVariable] ?? 0)): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => void endAll().then(() => process.exit(code)));
  process.once('exit', () => {
    for (const [child, signal] of running) child.kill(signal);
  });
  if (parent > 0) setInterval(() => isAlive(parent) || process.kill(process.pid, 'SIGTERM'), 1000).unref();
}

async function endAll(): Promise<void> {
  ending = true;
  const all = Promise.all([...running].map(([child, signal]) => end(child, signal)));
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, patienceMs))]);
  for (const child of running.keys()) child.kill('SIGKILL');
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    // ESRCH: there is no such process.
    return false;
  }
}

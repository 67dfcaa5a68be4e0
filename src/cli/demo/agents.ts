import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Member } from '../../coordination/group.ts';

/** The agent processes of a demo or a fault test: started, found by what they say of themselves, killed by their process id. */
export class AgentProcesses {
  readonly #folder: string;
  readonly #main: string;
  readonly #children = new Map<string, ChildProcess>();

  /** `main`: the compiled entry of the command line; a test that runs from source names it. */
  constructor(folder: string, main = fileURLToPath(new URL('../main.js', import.meta.url))) {
    this.#folder = folder;
    this.#main = main;
  }

  get names(): readonly string[] {
    return [...this.#children.keys()];
  }

  start(name: string, configFile: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
    const child = spawn(process.execPath, [this.#main, 'agent', '-c', configFile, '--static-id', name], {
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    child.stderr?.pipe(createWriteStream(join(this.#folder, `${name}.log`), { flags: 'a' }));
    this.#children.set(name, child);
    child.once('exit', () => {
      if (this.#children.get(name) === child) this.#children.delete(name);
    });
    return child;
  }

  kill(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.get(name);
    if (child === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.kill(signal);
    });
  }

  child(name: string): ChildProcess | undefined {
    return this.#children.get(name);
  }

  /** One that the process survives, such as SIGSTOP. */
  signal(name: string, signal: NodeJS.Signals): void {
    this.#children.get(name)?.kill(signal);
  }

  async stopAll(signal: NodeJS.Signals): Promise<void> {
    await Promise.all(this.names.map((name) => this.kill(name, signal)));
  }
}

/** Where a member's HTTP input listens, once it does. */
export function httpAddress(member: Member): string | null {
  const detail = Object.entries(member.facts).find(([name]) => name.startsWith('input.'))?.[1];
  return detail === undefined ? null : (/([\d.]+|\[[^\]]+\]|localhost):\d+/.exec(detail)?.[0] ?? null);
}

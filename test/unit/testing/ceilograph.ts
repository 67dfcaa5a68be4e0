import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectDir = fileURLToPath(new URL('../../..', import.meta.url));

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as an operator has it, from the sources. */
export function ceilograph(args: readonly string[], cwd = projectDir): Promise<Ran> {
  const tsx = join(projectDir, 'node_modules/tsx/dist/cli.mjs');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [tsx, join(projectDir, 'src/cli/main.ts'), ...args],
      { cwd, env: { ...process.env, NO_COLOR: '1' }, timeout: 60_000 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    );
  });
}

/** The same, while it runs; `said` is its stdout so far. */
export function startCeilograph(
  args: readonly string[],
  cwd: string,
): { readonly child: ChildProcess; readonly said: () => string } {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), join(projectDir, 'src/cli/main.ts'), ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', NODE_PATH: join(projectDir, 'node_modules') },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { child, said: () => text };
}

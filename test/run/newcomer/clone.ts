import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../../services/free-port.ts';
import { projectDir, runProgram } from '../program.ts';
import type { CommandBlock } from './command-blocks.ts';
import { printsAsShown } from './shown-output.ts';

/** Ends the output of a chunk; no program prints it. */
const separator = '\u001e';

/** A fresh clone of HEAD in which blocks are run one after the other, as by somebody who follows the pages. */
export class Clone {
  readonly #dir: string;
  readonly #begun = Date.now();
  #installed = false;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async make(): Promise<Clone> {
    const dir = await mkdtemp(join(tmpdir(), 'ceilograph-newcomer-'));
    const { code } = await runProgram('git', ['clone', '--quiet', projectDir, join(dir, 'ceilograph')]);
    if (code !== 0) throw new Error(`git clone ended with ${code}`);
    // As `npm install -g` would put it there.
    await mkdir(join(dir, 'bin'));
    await writeFile(join(dir, 'bin/ceilograph'), `#!/bin/sh\nexec node "${dir}/ceilograph/dist/cli/main.js" "$@"\n`);
    await chmod(join(dir, 'bin/ceilograph'), 0o755);
    return new Clone(dir);
  }

  async remove(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** Null when the block does as the page says, else what it did instead. */
  async run(block: CommandBlock): Promise<string | null> {
    const text = block.chunks.flatMap((chunk) => chunk.commands).join('\n');
    const installs = /\bnpm (?:ci|install)\b/.test(text);
    // A page that installs by itself is taken at its word.
    if (!installs) await this.#prepare(/^ceilograph\b/m.test(text));
    if (block.watched) return await this.#watch(text);
    if (block.docker) return await this.#withDocker(block);
    const { code, stdout } = await this.#shell(scriptOf(block));
    if (installs && code === 0) this.#installed = true;
    return verdict(block, code, stdout);
  }

  /** What is served there is looked at in a browser; null when all was seen. */
  async #watch(command: string): Promise<string | null> {
    const address = /https?:\/\/[\w.:-]+/.exec(command)?.[0];
    if (address === undefined) return 'no comment names the address of the page';
    const watcher = ['npx', 'tsx', 'test/browser/watch-page.ts', this.#inClone(command), address];
    const services = ['test/services/services.sh', 'run', 'chromium', '--', ...watcher];
    const { code } = await runProgram('bash', services, { ...this.#env, NEWCOMER_BEGUN: String(this.#begun) });
    return code === 0 ? null : 'what is to be seen on the page was not seen';
  }

  /** Under a name and on ports of its own, so that a cluster that runs here already is left alone. */
  async #withDocker(block: CommandBlock): Promise<string | null> {
    const { code: missing } = await runProgram('docker', ['compose', 'version'], {}).catch(() => ({ code: 1 }));
    if (missing !== 0) return 'there is no Docker engine with the compose plugin (DOCKER_HOST says where one is)';
    const env = {
      COMPOSE_PROJECT_NAME: `ceilograph-newcomer-${process.pid}`,
      RABBITMQ_PORT: String(await freePort()),
      RABBITMQ_MANAGEMENT_PORT: String(await freePort()),
    };
    try {
      const { code, stdout } = await this.#shell(scriptOf(block), env);
      return verdict(block, code, stdout);
    } finally {
      await this.#shell('docker compose --profile demo down --volumes --timeout 25', env);
    }
  }

  async #prepare(commandWanted: boolean): Promise<void> {
    if (!this.#installed) await this.#must('npm ci --no-audit --no-fund');
    this.#installed = true;
    if (commandWanted && !existsSync(join(this.#dir, 'ceilograph/dist/cli/main.js'))) await this.#must('npm run --silent build');
  }

  async #must(command: string): Promise<void> {
    const { code } = await this.#shell(command);
    if (code !== 0) throw new Error(`${command} ended with ${code}`);
  }

  #inClone(script: string): string {
    return `cd "${this.#dir}/ceilograph" || exit 1\nexec 2>&1\n${script}`;
  }

  get #env(): NodeJS.ProcessEnv {
    return { PATH: `${join(this.#dir, 'bin')}${delimiter}${process.env['PATH']}` };
  }

  #shell(script: string, env: NodeJS.ProcessEnv = {}) {
    // Said in the environment of a script of ours, it would send npm back here.
    const unset = [
      'INIT_CWD',
      ...Object.keys(process.env).filter((name) => /^npm_(?:package|lifecycle|config_local_prefix)/.test(name)),
    ];
    const args = [...unset.flatMap((name) => ['-u', name]), 'bash', '-c', this.#inClone(script)];
    return runProgram('env', args, { ...this.#env, ...env });
  }
}

/** One shell for the whole block, so that `cd` and variables last; the first command that fails ends it. */
function scriptOf({ chunks }: CommandBlock): string {
  const parts = chunks.map(({ commands }) => `${commands.join('\n')}\nprintf '${separator}\\n'`);
  return `set -eo pipefail\n${parts.join('\n')}\n`;
}

function verdict({ chunks, fails }: CommandBlock, code: number, printed: string): string | null {
  const outputs = printed.split(`${separator}\n`);
  const done = outputs.length - 1;
  const expectedDone = fails ? chunks.length - 1 : chunks.length;
  if (done < expectedDone) return `it ended with ${code} at: ${chunks[done]?.commands.join('\n')}`;
  if (fails && code === 0) return 'it was said to fail, and did not';
  const other = chunks.findIndex((chunk, i) => !printsAsShown(chunk, outputs[i] ?? ''));
  if (other < 0) return null;
  return `it does not print what is shown:\n${chunks[other]?.shown?.join('\n')}\nbut:\n${outputs[other]}`;
}

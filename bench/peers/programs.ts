import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectDir } from '../../test/run/program.ts';

const run = promisify(execFile);
const cacheDir = join(projectDir, 'node_modules/.cache/ceilograph-peers');
const buildMs = 540_000;

/**
 * The last release of Benthos under its first name: those under the names that followed come from the same code, but not every module proxy has
 * them.
 */
const benthosVersion = 'v4.27.0';
const telegrafVersion = 'v1.33.0';
/** What the job needs, and no more: the whole of each takes half an hour to build. */
const benthosParts = ['amqp09', 'io', 'pure', 'prometheus'];
const telegrafParts = [
  'inputs.amqp_consumer',
  'processors.starlark',
  'outputs.amqp',
  'parsers.value',
  'parsers.json',
  'serializers.json',
  'serializers.influx',
];

/** The program, built from source once and kept beside the other caches. Throws when it cannot be had. */
export function benthos(): Promise<string> {
  return built(`benthos@${benthosVersion}`, 'benthos', async (folder) => {
    const parts = benthosParts.map((part) => `\t_ "github.com/benthosdev/benthos/v4/public/components/${part}"\n`).join('');
    await writeFile(join(folder, 'go.mod'), 'module bench\n\ngo 1.22\n');
    await writeFile(
      join(folder, 'main.go'),
      `package main\n\nimport (\n\t"context"\n\n\t"github.com/benthosdev/benthos/v4/public/service"\n\n${parts})\n\nfunc main() { service.RunCLI(context.Background()) }\n`,
    );
    await go(folder, 'get', `github.com/benthosdev/benthos/v4@${benthosVersion}`);
    await go(folder, 'mod', 'tidy');
    await go(folder, 'build', '-o', 'benthos', '.');
  });
}

export function telegraf(): Promise<string> {
  return built(`telegraf@${telegrafVersion}`, 'telegraf', async (folder) => {
    const tags = ['custom', ...telegrafParts].join(',');
    await go(folder, 'install', '-tags', tags, `github.com/influxdata/telegraf/cmd/telegraf@${telegrafVersion}`);
  });
}

async function built(name: string, program: string, build: (folder: string) => Promise<void>): Promise<string> {
  const home = join(cacheDir, name);
  if (existsSync(join(home, program))) return join(home, program);
  await mkdir(cacheDir, { recursive: true });
  const fresh = await mkdtemp(join(cacheDir, 'new-'));
  process.stderr.write(`building ${name}\n`);
  try {
    await build(fresh);
    await rename(fresh, home).catch((error: unknown) => {
      if (!existsSync(home)) throw error; // somebody else was faster
    });
  } catch (error) {
    throw new Error(`no ${name}: it needs Go and a module proxy`, { cause: error });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return join(home, program);
}

async function go(folder: string, ...args: readonly string[]): Promise<void> {
  await run('go', args, { cwd: folder, timeout: buildMs, env: { ...process.env, GOBIN: folder, GOFLAGS: '-buildvcs=false' } });
}

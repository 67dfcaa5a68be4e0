import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 *     npm run bench -- NAME [--json] [flags of the bench]
 *
 * Runs one bench in a process of its own, so that nothing of ours is in its figures. Tables and, with `--json`, one object as the last
 * line on stdout; progress on stderr. Without a name: what there is.
 */
const benches: Readonly<Record<string, string>> = {
  convert: 'bytes of a notification in, JSON lines out, signing apart',
  state: 'commits of the embedded store with few keys and with a million',
  agent: 'RabbitMQ to file with the built agent, and the embedded path with few keys and with a million',
};

const [name, ...flags] = process.argv.slice(2);
const about = name === undefined ? undefined : benches[name];

if (name === undefined || about === undefined) {
  if (name !== undefined) process.stderr.write(`There is no bench ${name}.\n`);
  const list = Object.entries(benches).map(([bench, text]) => `  ${bench.padEnd(10)}${text}\n`);
  process.stdout.write(`npm run bench -- NAME [--json]\n\n${list.join('')}`);
  process.exitCode = name === undefined ? 0 : 2;
} else {
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...flags], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}

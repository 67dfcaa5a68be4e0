import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectDir } from '../run/program.ts';

const agent = 'inputs:\n  - kafka: { brokers: ["kafka1:9092"], topics: [notifications.info] }\n';
const sink = 'sink: out\nfrom: samples\npublish:\n  - kafka: { brokers: ["kafka1:9092"], topic: samples }\n';

let folder: string;
beforeAll(async () => {
  // The product and everything it needs, but not kafkajs, as `npm ci --omit=dev` leaves it.
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-without-kafka-'));
  await mkdir(join(folder, 'node_modules'));
  for (const name of await readdir(join(projectDir, 'node_modules')))
    if (name !== 'kafkajs') await symlink(join(projectDir, 'node_modules', name), join(folder, 'node_modules', name));
  for (const name of ['src', 'pipelines', 'package.json'])
    await cp(join(projectDir, name), join(folder, name), { recursive: true });
  await writeFile(join(folder, 'agent.yaml'), agent);
  await writeFile(join(folder, 'out.yaml'), sink);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function check(...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  const command = ['--import', 'tsx', 'src/cli/main.ts', 'check', ...args];
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, command, { cwd: folder });
    return { code: 0, text: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, text: stdout + stderr };
  }
}

it.each([
  ['an input', 'agent.yaml', 'agent.yaml:2:5'],
  ['a publisher', 'out.yaml', 'out.yaml:4:5'],
])(
  'check names the place and the command to install where %s wants Kafka and kafkajs is not there',
  async (_, file, place) => {
    const { code, text } = await check(file);

    expect(text).toContain(`${place}`);
    expect(text).toContain('needs the package kafkajs, which is not installed');
    expect(text).toContain('npm install kafkajs@2.2.4');
    expect(code).toBe(1);
  },
  60_000,
);

it('everything else works without kafkajs', async () => {
  const { code, text } = await check('pipelines');

  expect(text).toContain('no problems');
  expect(code).toBe(0);
}, 60_000);

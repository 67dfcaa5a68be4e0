import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectDir } from '../run/program.ts';
import { freePort } from '../services/free-port.ts';

describe('the demo with --port', () => {
  let demo: ChildProcess;
  let address: string;

  beforeAll(async () => {
    const port = await freePort();
    address = `http://127.0.0.1:${port}`;
    demo = spawn(process.execPath, [join(projectDir, 'dist/cli/main.js'), 'demo', '--port', String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise<void>((resolve, reject) => {
      let said = '';
      demo.stdout?.on('data', (text: Buffer) => {
        said += text.toString();
        if (said.includes(`watch them on ${address}`)) resolve();
      });
      demo.once('exit', (code) => reject(new Error(`the demo ended with ${code}: ${said}`)));
    });
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => demo.once('exit', resolve));
    demo.kill('SIGTERM');
    await ended;
  });

  it.each([
    '/livez',
    '/readyz',
    '/version',
    '/v1/overview',
    '/v1/openapi.json',
    '/',
    '/page/main.js',
  ])('answers %s', async (path) => {
    expect((await fetch(address + path)).status).toBe(200);
  });

  it('has at least twenty metrics, all of them with our prefix', async () => {
    const text = await (await fetch(`${address}/metrics`)).text();
    const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

    expect(series.filter((line) => !line.startsWith('ceilograph_'))).toEqual([]);
    expect(series.length).toBeGreaterThanOrEqual(20);
  });

  it('shows three agents that share the partitions, and how fast they are', async () => {
    const overview = async () =>
      (await (await fetch(`${address}/v1/overview`)).json()) as {
        readonly members: readonly { readonly agent: string; readonly partitions: number }[];
        readonly sinks: readonly { readonly sink: string; readonly acceptedPerSecond: number }[];
      };
    let now = await overview();
    while (!now.sinks.some(({ sink, acceptedPerSecond }) => sink === 'cpu-util' && acceptedPerSecond > 0)) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      now = await overview();
    }

    expect(now.members.map(({ agent }) => agent).sort()).toEqual(['agent-1', 'agent-2', 'agent-3']);
    expect(now.members.every(({ partitions }) => partitions > 0)).toBe(true);
  });
});

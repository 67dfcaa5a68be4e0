import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runProgram } from '../../run/program.ts';

const lives = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function gone(pid: number): Promise<boolean> {
  for (let i = 0; i < 200 && lives(pid); i++) await sleep(10);
  return !lives(pid);
}

describe('a program run for a check', () => {
  beforeEach(() => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('gives its exit code and what it wrote', async () => {
    const ran = await runProgram('sh', ['-c', 'echo said; exit 3']);

    expect(ran).toEqual({ code: 3, stdout: 'said\n' });
  });

  it('leaves nothing of what it started behind, even what holds its output open', async () => {
    const ran = await runProgram('sh', ['-c', 'sleep 300 & echo $!']);

    expect(await gone(Number(ran.stdout))).toBe(true);
  });

  it('is ended when it takes longer than it may', async () => {
    const ran = await runProgram('sh', ['-c', 'echo $$; while :; do sleep 1; done'], {}, 200);

    expect(ran.code).not.toBe(0);
    expect(await gone(Number(ran.stdout))).toBe(true);
  });
});

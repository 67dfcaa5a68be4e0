import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { deadlineIn, leftMs, machineTime } from '../../../src/lib/machine-time.ts';

const at = (now: number, boot = 'boot') => ({ boot, now: () => now });

it.each([
  ['before it', at(1400), 600],
  ['at it', at(2000), 0],
  ['after it', at(3000), 0],
  ['in another boot', at(1400, 'another'), 0],
  ['in an earlier boot without an id, whose clock was further on', at(5), 0],
])('has the right time left %s', (_, now, left) => {
  expect(leftMs(now, deadlineIn(at(1000), 1000))).toBe(left);
});

it('is the same clock in every process of the machine', () => {
  const before = machineTime().now();
  const elsewhere = Number(execFileSync(process.execPath, ['-p', 'String(process.hrtime.bigint())'], { encoding: 'utf8' })) / 1e6;
  const after = machineTime().now();

  expect(elsewhere).toBeGreaterThanOrEqual(before - 0.01);
  expect(elsewhere).toBeLessThanOrEqual(after + 0.01);
});

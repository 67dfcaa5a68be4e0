import { readFileSync } from 'node:fs';

/**
 * Names a process so that others can tell later whether it still runs: machine boot, pid and the time the process began, because
 * pids are used again; in a container every first process is 1.
 */
export function processOwner(pid = process.pid): string {
  return `${bootId()}.${pid}.${startOf(pid) ?? 0}`;
}

export function isOwnerAlive(owner: string): boolean {
  const [boot, pid, start] = owner.split('.');
  return boot === bootId() && startOf(Number(pid)) === Number(start);
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown'; // not Linux: the pid alone must do
  }
}

function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return isRunning(pid) ? 0 : undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

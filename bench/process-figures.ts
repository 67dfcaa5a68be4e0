import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';

/** What the kernel says of a process: `self` or a pid. Threads count, so garbage collection and file work are in the CPU time. */
export type Process = number | 'self';

// CLK_TCK is 100 on every Linux that Node runs on.
const ticksPerSecond = 100;

/** User and system together. In steps of 10 ms. */
export function cpuSeconds(process: Process): number {
  const stat = readFileSync(`/proc/${process}/stat`, 'utf8');
  // The second field is the program's name in parentheses and may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Memory of its own; files mapped into it (LMDB's) are not counted. */
export function rssAnonMiB(process: Process): number {
  return Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${process}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

/**
 * `wchar`: bytes handed to write calls. `write_bytes`: what these made dirty, where the kernel counts every folio that was touched, up
 * to 2 MiB, as a whole.
 */
export function writtenBytes(process: Process, field: 'wchar' | 'write_bytes'): number {
  return Number(new RegExp(`^${field}: (\\d+)`, 'm').exec(readFileSync(`/proc/${process}/io`, 'utf8'))?.[1] ?? 0);
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** The load of the last minute belongs to every figure of CPU time: beside other work the same code costs up to twice as much. */
export interface Machine {
  readonly node: string;
  readonly cpus: number;
  readonly load: number;
}

export function machine(): Machine {
  return { node: process.version, cpus: availableParallelism(), load: rounded(loadavg()[0] ?? 0, 1) };
}

export function machineLine(begun: Machine): string {
  return `Node ${begun.node}, ${begun.cpus} CPUs, load ${begun.load} at the beginning and ${machine().load} at the end, our own included`;
}

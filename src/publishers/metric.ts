import { Float } from '../model/json.ts';
import { printJson } from '../model/json-text.ts';
import type { Sample } from '../model/sample.ts';

/** Ceilometer's rule for Prometheus (`.` and `-` become `_`), then whatever else its format does not allow. */
export function metricName(name: string): string {
  const curated = name.replace(/[.-]/g, '_').replace(/[^a-zA-Z0-9_:]/g, '_');
  return /^\d/.test(curated) ? `_${curated}` : curated;
}

/** As a number, or null for what is none. */
export function volumeOf({ volume }: Sample): number | null {
  if (typeof volume === 'boolean') return volume ? 1 : 0;
  if (volume === null || (typeof volume === 'string' && volume.trim() === '')) return null;
  const number = Number(volume);
  return Number.isNaN(number) ? null : number;
}

export function volumeText(sample: Sample): string {
  const { volume } = sample;
  if (typeof volume === 'number' || typeof volume === 'bigint' || volume instanceof Float) return printJson(volume);
  return String(volumeOf(sample));
}

/** When, in nanoseconds since 1970; null for what is no time. A time without an offset is UTC. */
export function nanosOf(timestamp: string): bigint | null {
  const [, seconds = '', fraction = '', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:?\d\d)?$/.exec(timestamp.trim().replace(' ', 'T')) ?? [];
  const ms = Date.parse(`${seconds}${zone.replace(/^(...)(\d\d)$/, '$1:$2')}`);
  return Number.isNaN(ms) ? null : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

import { isoFormat } from '../python/datetime.ts';

const dayMs = 86_400_000;

/** Epoch ms as Ceilometer writes a time: `2024-03-04T05:06:07.250000+00:00`, microseconds only where there are any. */
export function timeText(epochMs: number): string {
  const days = Math.floor(epochMs / dayMs);
  return isoFormat({ days, micros: Math.round((epochMs - days * dayMs) * 1_000), offsetMinutes: 0 });
}

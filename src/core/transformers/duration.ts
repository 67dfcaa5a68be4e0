import { z } from 'zod';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const longest = 366 * 86_400_000;

/** `90`, `90s`, `1.5m`, `250ms`, `2h`, `1d` as milliseconds; a bare number is seconds. */
export const duration = z
  .union([
    z.number().nonnegative(),
    z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'a duration is a number of seconds, or a number with ms, s, m, h or d'),
  ])
  .transform((value, context) => {
    const found = typeof value === 'number' ? null : /^([\d.]+)(\w+)$/.exec(value);
    const ms = Math.round(found === null ? Number(value) * 1_000 : Number(found[1]) * (units[found[2] as string] as number));
    if (ms > longest) context.addIssue({ code: 'custom', message: 'a duration is at most 366 days' });
    return ms;
  });

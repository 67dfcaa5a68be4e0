import { fstatSync, ftruncateSync, readFileSync } from 'node:fs';

/**
 * `npm run NAME > FILE` puts npm's own banner into FILE before the script starts. Takes it out again, so that the file holds data
 * only: exactly when stdout is a regular file and nothing but that banner stands in it. Returns where to write on from.
 */
export function withoutBanner(): number | null {
  if (process.env['npm_lifecycle_event'] === undefined || !fstatSync(1).isFile()) return null;
  const text = readFileSync('/proc/self/fd/1', 'utf8');
  if (!/^\n> [^\n]+\n> [^\n]+\n\n$/.test(text)) return null;
  ftruncateSync(1, 0);
  return 0;
}

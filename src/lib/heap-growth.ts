import { setFlagsFromString } from 'node:v8';

/**
 * Lets the heap grow to twice of what lives, not to four times of it, before old garbage is collected again. V8 takes the four times on a machine with
 * much memory and a busy process: an agent whose configuration was loaded anew a thousand times under load held 150 to 227 MiB by chance, and holds
 * 152 with this (Node 20). For a process that runs for months, beside others. A V8 that does not know the flag goes on as it was.
 *
 * With `large`, by half: where a hundred megabytes live, as with a million deadlines, twice is what an agent may not have, and they change slowly.
 */
export function keepHeapNarrow(large = false): void {
  setFlagsFromString(`--heap-growing-percent=${large ? 50 : 100}`);
}

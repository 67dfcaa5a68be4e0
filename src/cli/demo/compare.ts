import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Comparison {
  readonly expected: number;
  readonly identical: number;
  readonly different: readonly string[];
  readonly lost: readonly string[];
  readonly invented: readonly string[];
  /** Lines beyond the first of an id: allowed (delivered at least once), counted. */
  readonly repeated: number;
}

/** Outputs by id: `file name TAB id` → the line. */
export type Outputs = ReadonlyMap<string, string>;

/** Every complete line of every JSON Lines file of a folder, by file and id. */
export async function readOutputs(
  folder: string,
): Promise<{ readonly outputs: Outputs; readonly repeated: number; readonly torn: string[] }> {
  const outputs = new Map<string, string>();
  const torn: string[] = [];
  let repeated = 0;
  if (!existsSync(folder)) return { outputs, repeated, torn };
  for (const name of readdirSync(folder).sort()) {
    for await (const written of createInterface({ input: createReadStream(join(folder, name)) })) {
      // A line that a crash tore was overwritten with spaces; the next one follows them.
      const line = written.trimStart();
      const id = idOf(line);
      if (id === null) {
        torn.push(`${name}: ${line.slice(0, 80)}`);
        continue;
      }
      const key = `${name}\t${id}`;
      const before = outputs.get(key);
      if (before === undefined) outputs.set(key, line);
      else if (before === line) repeated += 1;
      else torn.push(`${key} has two contents`);
    }
  }
  return { outputs, repeated, torn };
}

function idOf(line: string): string | null {
  try {
    const value = JSON.parse(line) as { id?: string; message_id?: string };
    return value.id ?? value.message_id ?? null;
  } catch {
    return null; // A torn line; the caller reports it.
  }
}

export function compareOutputs(expected: Outputs, actual: Outputs, repeated: number): Comparison {
  const lost: string[] = [];
  const different: string[] = [];
  let identical = 0;
  for (const [key, line] of expected) {
    const found = actual.get(key);
    if (found === undefined) lost.push(key);
    else if (found === line) identical += 1;
    else different.push(key);
  }
  const invented = [...actual.keys()].filter((key) => !expected.has(key));
  return { expected: expected.size, identical, different, lost, invented, repeated };
}

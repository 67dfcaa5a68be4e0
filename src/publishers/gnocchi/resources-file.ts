import { resolve } from 'node:path';
import { parse } from 'yaml';
import { compileResources, type ResourceDefinitions } from '../../core/gnocchi/resources.ts';
import { readBounded } from '../../lib/read-bounded.ts';
import { classify, Fault } from '../../model/faults.ts';
import type { Json } from '../../model/json.ts';
import { builtInPolicies } from './policies.ts';

const maxBytes = 1024 * 1024;

/** Gnocchi's side of the definitions, read at the start; a file that cannot be used is fatal and says why. */
export async function readResources(
  path: string | undefined,
  baseDir: string,
  archivePolicy: string | null,
): Promise<ResourceDefinitions> {
  if (path === undefined) return compileResources({ archive_policies: builtInPolicies, resources: [] }, { archivePolicy });
  const file = resolve(baseDir, path);
  try {
    const bytes = await readBounded(file, maxBytes);
    if (bytes === null) throw new Error(`larger than ${maxBytes} bytes`);
    // Aliases are bounded by the parser: a text cannot unfold without end.
    return compileResources(parse(Buffer.from(bytes).toString('utf8'), { maxAliasCount: 100 }) as Json, { archivePolicy });
  } catch (error) {
    throw new Fault('fatal', 'bad_resources_file', `${file}: ${classify(error).message}`, { cause: error });
  }
}

import { createKeyRing, type KeyRing } from '../lib/key-ring.ts';
import { KeysFile } from './cluster-schema.ts';
import { parseAt, plain } from './explain.ts';
import { ConfigError, type Problem } from './problem.ts';
import { readYamlFile } from './read-file.ts';

/** The keys of a cluster. Throws a `ConfigError` that names file, line and remedy; never prints a key. */
export async function readKeyRing(file: string): Promise<KeyRing> {
  const { document, problems: found } = await readYamlFile(file);
  const problems: Problem[] = [...found];
  if (document === null) throw new ConfigError(problems);
  const values = parseAt(KeysFile, plain(document.value), document, [], problems);
  if (values === undefined || problems.length > 0) throw new ConfigError(problems);
  if (!Object.hasOwn(values.keys, values.active)) {
    const hint = `expected one of ${Object.keys(values.keys).join(', ') || 'the keys, and there is none'}`;
    throw new ConfigError([document.problem(['active'], `there is no key "${values.active}"`, hint)]);
  }
  return createKeyRing(values.active, new Map(Object.entries(values.keys)));
}

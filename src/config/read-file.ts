import { readBounded } from '../lib/read-bounded.ts';
import type { Problem } from './problem.ts';
import { readYaml, type YamlRead, yamlLimits } from './yaml-document.ts';
import type { YamlDialect } from './yaml-scalar.ts';

/** A YAML file from disk. A file that cannot be read, is too large or is not UTF-8 is a problem of that file, never thrown. */
export async function readYamlFile(file: string, dialect: YamlDialect = 'yaml-1.2'): Promise<YamlRead> {
  return toYaml(await readText(file), file, dialect);
}

/** Of what `readText` gave. */
export function toYaml(text: string | Problem, file: string, dialect: YamlDialect): YamlRead {
  return typeof text === 'string' ? readYaml(text, file, dialect) : { document: null, problems: [text] };
}

/** A file that cannot be read, is too large or is not UTF-8 is a problem of that file. */
export async function readText(file: string): Promise<string | Problem> {
  const problem = (message: string): Problem => ({ file, line: 1, column: 1, path: '', message, hint: null });
  let bytes: Uint8Array | null;
  try {
    bytes = await readBounded(file, yamlLimits.maxBytes);
  } catch (error) {
    return problem(`cannot be read: ${readable(error)}`);
  }
  if (bytes === null) return problem(`larger than ${yamlLimits.maxBytes} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return problem('is not UTF-8 text');
  }
}

/** `no such file`, not `ENOENT: no such file or directory, open '/…'`. */
export function readable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'no such file or folder';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return message;
}

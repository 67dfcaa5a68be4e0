import { resolve } from 'node:path';
import { readBounded } from '../lib/read-bounded.ts';
import type { Problem } from './problem.ts';
import { readable } from './read-file.ts';
import type { YamlDocument } from './yaml-document.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Values that came from outside the file: never printed. */
export type Secrets = Set<string>;

const reference = /\$\{(env|file):([^}]*)\}/g;

/**
 * `${env:NAME}` and `${file:PATH}` inside text values, so that a secret need not stand in the file. `NAME` may also be given as `NAME_FILE`,
 * the path of a file that holds it. One line end after a file's content is cut. `$${` is a literal `${`.
 */
export async function resolveReferences(
  value: unknown,
  document: YamlDocument,
  path: readonly PropertyKey[],
  context: { readonly env: Environment; readonly baseDir: string; readonly secrets: Secrets; readonly problems: Problem[] },
): Promise<unknown> {
  if (typeof value === 'string') return value.includes('${') ? await resolveText(value) : value;
  if (Array.isArray(value))
    return await Promise.all(value.map((each, i) => resolveReferences(each, document, [...path, i], context)));
  if (typeof value !== 'object' || value === null) return value;
  const members = await Promise.all(
    Object.entries(value).map(
      async ([key, each]) => [key, await resolveReferences(each, document, [...path, key], context)] as const,
    ),
  );
  return Object.fromEntries(members);

  async function resolveText(text: string): Promise<string> {
    let resolved = '';
    let from = 0;
    for (const match of text.matchAll(reference)) {
      if (text[match.index - 1] === '$') continue;
      const [whole, kind, name = ''] = match;
      const found = kind === 'env' ? await fromEnvironment(name, context.env) : await fromFile(resolve(context.baseDir, name));
      if ('fault' in found) context.problems.push(document.problem(path, found.fault));
      else context.secrets.add(found.value);
      resolved += text.slice(from, match.index) + ('value' in found ? found.value : whole);
      from = match.index + whole.length;
    }
    return (resolved + text.slice(from)).replaceAll('$${', '${');
  }
}

type Found = { readonly value: string } | { readonly fault: string };

/** A variable, or the content of the file that `NAME_FILE` names. Both set: a fault, as nobody can say which is meant. */
export async function fromEnvironment(name: string, env: Environment): Promise<Found> {
  const value = env[name];
  const file = env[`${name}_FILE`];
  if (value !== undefined && file !== undefined) return { fault: `both ${name} and ${name}_FILE are set, expected one of them` };
  if (file !== undefined) return await fromFile(file);
  return value === undefined ? { fault: `the environment has neither ${name} nor ${name}_FILE` } : { value };
}

const maxFileBytes = 1024 * 1024;

export async function fromFile(file: string): Promise<Found> {
  try {
    const bytes = await readBounded(file, maxFileBytes);
    if (bytes === null) return { fault: `cannot read ${file}: larger than ${maxFileBytes} bytes` };
    return {
      value: Buffer.from(bytes)
        .toString('utf8')
        .replace(/\r?\n$/, ''),
    };
  } catch (error) {
    return { fault: `cannot read ${file}: ${readable(error)}` };
  }
}

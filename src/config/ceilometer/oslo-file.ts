import type { Problem } from '../problem.ts';

/** One place where an option was set. */
export interface OsloValue {
  readonly text: string;
  readonly file: string;
  readonly line: number;
}

/** What the files of a service set: `group.option` to its values in their order; the last one counts, unless an option takes several. */
export interface OsloOptions {
  readonly values: ReadonlyMap<string, readonly OsloValue[]>;
  readonly problems: readonly Problem[];
}

/**
 * Files in the syntax of oslo.config, later ones over earlier ones: groups in brackets, `name = value` or `name: value`, indented lines go on
 * with the value above, `#` and `;` at the start of a line are comments. A line that is none of that is a problem, as it is for
 * oslo.config, which then does not start. `$other` and `${group.other}` stand for another option's value, `$$` for a dollar.
 */
export function readOsloFiles(files: readonly { readonly file: string; readonly text: string }[]): OsloOptions {
  const values = new Map<string, OsloValue[]>();
  const problems: Problem[] = [];
  for (const { file, text } of files) readInto(values, problems, file, text);
  for (const list of values.values())
    for (const [i, value] of list.entries()) list[i] = { ...value, text: substitute(value, values, problems, 0) };
  return { values, problems };
}

const mostLines = 100_000;

function readInto(values: Map<string, OsloValue[]>, problems: Problem[], file: string, text: string): void {
  let group = 'DEFAULT';
  let open: { readonly key: string; readonly parts: string[]; readonly line: number } | null = null;
  const problem = (line: number, message: string) =>
    problems.push({ file, line, column: 1, path: '', message, hint: 'expected [group], name = value, or a comment' });
  const close = () => {
    if (open === null) return;
    const list = values.get(open.key) ?? [];
    list.push({ text: open.parts.join('\n'), file, line: open.line });
    values.set(open.key, list);
    open = null;
  };
  for (const [i, raw] of text.split('\n', mostLines).entries()) {
    const line = raw.trimEnd();
    if (line === '') close();
    else if (/^[ \t]/.test(line)) {
      if (open === null) problem(i + 1, 'an indented line that goes on with nothing');
      else (open as { readonly parts: string[] }).parts.push(line.trimStart());
    } else {
      close();
      if (line.startsWith('#') || line.startsWith(';')) continue;
      if (line.startsWith('[')) {
        if (line.endsWith(']') && line.length > 2) group = line.slice(1, -1);
        else problem(i + 1, 'a group needs a name and both brackets');
        continue;
      }
      const [, name = '', value = ''] = /^([^=:]*)[=:](.*)$/.exec(line) ?? [];
      if (name.trim() === '') problem(i + 1, 'neither a group nor an option');
      else open = { key: `${group}.${name.trim()}`, parts: [unquoted(value.trim())], line: i + 1 };
    }
  }
  close();
}

function unquoted(text: string): string {
  return /^(["']).*\1$/s.test(text) && text.length > 1 ? text.slice(1, -1) : text;
}

function substitute(
  { text, file, line }: OsloValue,
  values: ReadonlyMap<string, readonly OsloValue[]>,
  problems: Problem[],
  depth: number,
): string {
  return text.replace(/\$\$|\\\$|\$\{([\w.:-]+)\}|\$([A-Za-z_][\w.]*)/g, (whole, braced?: string, bare?: string) => {
    const name = braced ?? bare;
    if (name === undefined) return '$';
    const found = values.get(name.includes('.') ? name : `DEFAULT.${name}`)?.at(-1);
    if (found !== undefined && depth < 8) return substitute(found, values, problems, depth + 1);
    const hint = 'write the value itself; a dollar alone is $$';
    problems.push({ file, line, column: 1, path: '', message: `${whole} names no option that is set`, hint });
    return whole;
  });
}

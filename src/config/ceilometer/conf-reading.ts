import type { Problem } from '../problem.ts';
import type { Note } from './note.ts';
import type { OsloOptions, OsloValue } from './oslo-file.ts';

/** A setting of the agent's file that an option of `ceilometer.conf` gives. */
export interface TakenSetting {
  /** `conversion.store_raw`, `inputs`. */
  readonly path: string;
  readonly value: unknown;
  /** `ceilometer.conf:12` */
  readonly origin: string;
}

/** Reads options one by one and remembers what became of each, so that none is left without a word. */
export class ConfReading {
  readonly notes: Note[] = [];
  readonly problems: Problem[] = [];
  readonly settings: TakenSetting[] = [];
  readonly #options: OsloOptions;
  readonly #said = new Set<string>();

  constructor(options: OsloOptions) {
    this.#options = options;
    this.problems.push(...options.problems);
  }

  /** The last value, under the first of its names that is set. An empty one counts as not set. */
  last(...names: readonly string[]): OsloValue | undefined {
    for (const name of names) {
      const found = this.#options.values.get(name)?.at(-1);
      if (found !== undefined && found.text !== '') return found;
    }
    return undefined;
  }

  /** Every value of an option that may stand several times. */
  all(...names: readonly string[]): readonly OsloValue[] {
    for (const name of names) {
      const found = this.#options.values.get(name)?.filter((value) => value.text !== '') ?? [];
      if (found.length > 0) return found;
    }
    return [];
  }

  bool(name: string): { readonly value: boolean; readonly at: OsloValue } | undefined {
    const at = this.last(name);
    if (at === undefined) return undefined;
    const text = at.text.trim().toLowerCase();
    if (['true', '1', 'on', 'yes'].includes(text)) return { value: true, at };
    if (!['false', '0', 'off', 'no'].includes(text)) this.refuse(at, name, `${name}: expected true or false, not ${text}`);
    return { value: false, at };
  }

  int(name: string, least: number): { readonly value: number; readonly at: OsloValue } | undefined {
    const at = this.last(name);
    if (at === undefined) return undefined;
    const value = Number(at.text);
    if (Number.isSafeInteger(value) && value >= least) return { value, at };
    this.refuse(at, name, `${name}: expected a whole number from ${least}, not ${at.text}`);
    return undefined;
  }

  setting(path: string, value: unknown, at: OsloValue): void {
    this.settings.push({ path, value, origin: `${at.file}:${at.line}` });
  }

  took(at: OsloValue, name: string, text: string): void {
    this.#note(at, name, 'took', text);
  }
  changed(at: OsloValue, name: string, text: string): void {
    this.#note(at, name, 'changed', text);
  }
  ignored(at: OsloValue, name: string, text: string): void {
    this.#note(at, name, 'ignored', text);
  }
  refuse(at: OsloValue, name: string, message: string, hint: string | null = null): void {
    this.#said.add(name);
    this.problems.push({ file: at.file, line: at.line, column: 1, path: name, message, hint });
  }

  /** An option that is read elsewhere, or whose group speaks for it. */
  known(name: string): void {
    this.#said.add(name);
  }

  /** What nobody has said a word about. */
  rest(): readonly (readonly [name: string, at: OsloValue])[] {
    return [...this.#options.values].flatMap(([name, list]) => {
      const at = list.at(-1);
      return this.#said.has(name) || at === undefined ? [] : [[name, at] as const];
    });
  }

  #note(at: OsloValue, name: string, level: Note['level'], text: string): void {
    this.#said.add(name);
    this.notes.push({ file: at.file, line: at.line, level, text: `${name}: ${text}` });
  }
}

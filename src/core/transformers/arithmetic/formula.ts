import { compileLeniently } from '../conversion.ts';

export interface Formula {
  /** The name each meter has inside the expression. */
  readonly slots: ReadonlyMap<string, string>;
  /** Different slots; two meters can share one in strict mode. */
  readonly required: ReadonlySet<string>;
  /** The slot of the first meter in the text. */
  readonly reference: string | undefined;
  readonly evaluate: ReturnType<typeof compileLeniently>['evaluate'];
  readonly problems: readonly string[];
}

const meter = /\$\(([\p{L}\p{N}_.-]+)\)/gu;
const keywords = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
);

/**
 * `$(cpu.util)` stands for that meter's volume, `$(cpu.util).resource_metadata.x` for what follows the dot. Strictly as Ceilometer escaped
 * the names: a dash is not escaped, so `$(a-b)` is `a - b` and fails; otherwise every meter gets a slot of its own.
 */
export function compileFormula(text: string, strict: boolean): Formula {
  const slots = new Map<string, string>();
  const escaped = text.replace(meter, (whole, name: string, at: number) => {
    const slot = strict ? escapeName(name) : (slots.get(name) ?? `meter_${slots.size}`);
    slots.set(name, slot);
    return text[at + whole.length] === '.' ? slot : `${slot}.volume`;
  });
  const { evaluate, problems } = compileLeniently(escaped);
  const [reference] = slots.values();
  return {
    slots,
    required: new Set(slots.values()),
    reference,
    evaluate,
    problems:
      reference === undefined
        ? ['expr names no meter: nothing is ever computed']
        : problems.map((problem) => `${problem} in ${escaped}`),
  };
}

function escapeName(name: string): string {
  const plain = name.replaceAll('.', '_');
  return plain !== name || plain.endsWith('ESC') || keywords.has(plain) ? `_${plain}_ESC` : plain;
}

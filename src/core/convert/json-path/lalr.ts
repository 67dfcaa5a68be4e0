// A small LALR(1) table generator with the conflict rules of PLY (David Beazley's yacc), because the JSONPath dialect is defined
// by what PLY makes of a very ambiguous grammar: 50 shift/reduce conflicts decide what `a.b|c - 2 * d[0]` means. A hand-written
// parser would have to imitate each of them; this one inherits them. The tables of our 52 rules take a few milliseconds.
//
// Conflict rules: the rule's precedence is that of its last terminal. Reduce if the rule binds tighter, or equally and it is left
// associative; otherwise shift (so without any precedence: shift). Equal and `nonassoc` is an error.

export type Associativity = 'left' | 'right' | 'nonassoc';

export interface Rule<Value> {
  readonly head: string;
  readonly body: readonly string[];
  readonly build: (parts: readonly Value[]) => Value;
}

export interface Grammar<Value> {
  /** The first rule's head is the start symbol. */
  readonly rules: readonly Rule<Value>[];
  /** From loose to tight. */
  readonly precedence: readonly (readonly [Associativity, ...string[]])[];
}

/** Positive: shift to that state; negative: reduce by that rule (1-based, negated); 0: accept. */
type Action = number;

export interface Tables<Value> {
  readonly rules: readonly Rule<Value>[];
  readonly actions: readonly ReadonlyMap<string, Action>[];
  readonly gotos: readonly ReadonlyMap<string, number>[];
}

const endOfInput = '$end';
const unknown = '#';

interface Item {
  readonly rule: number;
  readonly dot: number;
}
type Kernel = Map<string, { readonly item: Item; readonly ahead: Set<string> }>;

const key = (item: Item): string => `${item.rule}.${item.dot}`;

export function generateTables<Value>(grammar: Grammar<Value>): Tables<Value> {
  const start = grammar.rules[0]?.head ?? '';
  // Rule 0 is the augmented start; rule n of the tables is grammar.rules[n - 1].
  const bodies: readonly (readonly string[])[] = [[start], ...grammar.rules.map((rule) => rule.body)];
  const heads = ["S'", ...grammar.rules.map((rule) => rule.head)];
  const byHead = new Map<string, number[]>();
  heads.forEach((head, rule) => {
    byHead.set(head, [...(byHead.get(head) ?? []), rule]);
  });
  const first = firstSets(bodies, heads, byHead);

  const closure = (kernel: Iterable<readonly [Item, Iterable<string>]>): Kernel => {
    const items: Kernel = new Map();
    const work: [Item, string][] = [];
    const add = (item: Item, ahead: Iterable<string>) => {
      const found = items.get(key(item)) ?? { item, ahead: new Set<string>() };
      items.set(key(item), found);
      for (const token of ahead) {
        if (found.ahead.has(token)) continue;
        found.ahead.add(token);
        work.push([item, token]);
      }
    };
    for (const [item, ahead] of kernel) add(item, ahead);
    for (let next = work.pop(); next !== undefined; next = work.pop()) {
      const [item, token] = next;
      const body = bodies[item.rule] ?? [];
      const rules = byHead.get(body[item.dot] ?? '') ?? [];
      if (rules.length === 0) continue;
      const ahead = firstOf(body.slice(item.dot + 1), first);
      if (ahead.delete('')) ahead.add(token);
      for (const rule of rules) add({ rule, dot: 0 }, ahead);
    }
    return items;
  };

  // LR(0) states by their kernels; look-aheads are then propagated between kernel items (Aho, Sethi, Ullman, 4.63).
  const states: { kernel: Kernel; gotos: Map<string, number> }[] = [];
  const known = new Map<string, number>();
  const stateOf = (items: readonly Item[]): number => {
    const name = items.map(key).sort().join(' ');
    const found = known.get(name);
    if (found !== undefined) return found;
    known.set(name, states.length);
    const kernel: Kernel = new Map(items.map((item) => [key(item), { item, ahead: new Set<string>() }]));
    return states.push({ kernel, gotos: new Map() }) - 1;
  };
  stateOf([{ rule: 0, dot: 0 }]);
  const propagations: [from: Set<string>, to: Set<string>][] = [];
  for (let at = 0; at < states.length; at++) {
    const state = states[at] as (typeof states)[number];
    const moves = new Map<string, Item[]>();
    for (const { item } of closure([...state.kernel.values()].map(({ item }) => [item, [unknown]])).values()) {
      const symbol = bodies[item.rule]?.[item.dot];
      if (symbol !== undefined) moves.set(symbol, [...(moves.get(symbol) ?? []), { rule: item.rule, dot: item.dot + 1 }]);
    }
    for (const [symbol, items] of moves) state.gotos.set(symbol, stateOf(items));
    for (const { item: from, ahead: source } of state.kernel.values()) {
      for (const { item, ahead } of closure([[from, [unknown]]]).values()) {
        const symbol = bodies[item.rule]?.[item.dot];
        if (symbol === undefined) continue;
        const next = states[state.gotos.get(symbol) ?? -1]?.kernel.get(key({ rule: item.rule, dot: item.dot + 1 }));
        if (next === undefined) continue;
        for (const token of ahead) {
          if (token === unknown) propagations.push([source, next.ahead]);
          else next.ahead.add(token);
        }
      }
    }
  }
  states[0]?.kernel.get(key({ rule: 0, dot: 0 }))?.ahead.add(endOfInput);
  for (let changed = true; changed; ) {
    changed = false;
    for (const [from, to] of propagations) {
      const before = to.size;
      for (const token of from) to.add(token);
      changed ||= to.size !== before;
    }
  }

  const strength = strengths(grammar);
  const ofRule = bodies.map((body) => strength.get(body.findLast((symbol) => !byHead.has(symbol)) ?? '') ?? none);
  const actions = states.map(({ kernel, gotos }) => {
    const row = new Map<string, Action>();
    for (const [symbol, target] of gotos) if (!byHead.has(symbol)) row.set(symbol, target);
    for (const { item, ahead } of closure([...kernel.values()].map(({ item, ahead }) => [item, ahead])).values()) {
      if (item.dot < (bodies[item.rule]?.length ?? 0)) continue;
      for (const token of ahead) {
        const shift = row.get(token);
        if (shift === undefined) row.set(token, item.rule === 0 ? 0 : -item.rule);
        else resolve(row, token, item.rule, ofRule[item.rule] ?? none, strength.get(token) ?? none);
      }
    }
    return row;
  });
  const gotos = states.map(({ gotos }) => new Map([...gotos].filter(([symbol]) => byHead.has(symbol))));
  return { rules: grammar.rules, actions, gotos };
}

interface Strength {
  readonly level: number;
  readonly associativity: Associativity;
}
const none: Strength = { level: 0, associativity: 'right' };

function strengths<Value>(grammar: Grammar<Value>): Map<string, Strength> {
  const levels = grammar.precedence.flatMap(([associativity, ...tokens], i) =>
    tokens.map((token) => [token, { level: i + 1, associativity }] as const),
  );
  return new Map(levels);
}

/** The grammar has no reduce/reduce conflicts (asserted here), so what is found in the row is a shift. */
function resolve(row: Map<string, Action>, token: string, rule: number, ofRule: Strength, ofToken: Strength): void {
  if ((row.get(token) ?? 0) <= 0) throw new Error(`rules ${rule} and ${-(row.get(token) ?? 0)} conflict before ${token}`);
  if (ofToken.level < ofRule.level || (ofToken.level === ofRule.level && ofRule.associativity === 'left')) row.set(token, -rule);
  else if (ofToken.level === ofRule.level && ofRule.associativity === 'nonassoc') row.delete(token);
}

/** What a symbol can begin with; `''` is in the set when it can be empty. */
function firstSets(
  bodies: readonly (readonly string[])[],
  heads: readonly string[],
  byHead: ReadonlyMap<string, unknown>,
): Map<string, Set<string>> {
  const first = new Map<string, Set<string>>();
  for (const symbol of [...heads, ...bodies.flat()]) first.set(symbol, new Set(byHead.has(symbol) ? [] : [symbol]));
  for (let changed = true; changed; ) {
    changed = false;
    bodies.forEach((body, rule) => {
      const target = first.get(heads[rule] as string) as Set<string>;
      const before = target.size;
      for (const token of firstOf(body, first)) target.add(token);
      changed ||= target.size !== before;
    });
  }
  return first;
}

function firstOf(body: readonly string[], first: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const result = new Set<string>();
  for (const symbol of body) {
    const own = first.get(symbol) ?? new Set<string>();
    for (const token of own) if (token !== '') result.add(token);
    if (!own.has('')) return result;
  }
  result.add('');
  return result;
}

/** Runs the tables over tokens. Calls `fail` (which throws) at the first token that fits nowhere. */
export function runTables<Value, Token extends { readonly type: string; readonly value: Value }>(
  tables: Tables<Value>,
  tokens: Iterable<Token>,
  fail: (token: Token | undefined) => never,
): Value {
  const stack: number[] = [0];
  const values: Value[] = [];
  const source = tokens[Symbol.iterator]();
  let token: Token | undefined = source.next().value;
  for (;;) {
    const action = tables.actions[stack.at(-1) ?? 0]?.get(token === undefined ? endOfInput : token.type);
    if (action === undefined) fail(token);
    if (action === 0) return values[0] as Value;
    if (action > 0) {
      stack.push(action);
      values.push((token as Token).value);
      token = source.next().value;
    } else {
      const rule = tables.rules[-action - 1] as Rule<Value>;
      const size = rule.body.length;
      stack.length -= size;
      const parts = values.splice(values.length - size, size);
      values.push(rule.build(parts));
      stack.push(tables.gotos[stack.at(-1) ?? 0]?.get(rule.head) ?? 0);
    }
  }
}

import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { Float, type Json } from '../model/json.ts';
import type { Position, Problem } from './problem.ts';
import { resolvePlain, type YamlDialect } from './yaml-scalar.ts';

/** A value and where it stood. Aliased nodes are shared, not copied. */
export interface Located {
  readonly value: Json;
  readonly at: Position;
  /** Where its key stood, for members of a mapping. */
  readonly key: Position | null;
  readonly children: ReadonlyMap<string | number, Located> | null;
  /** Nodes when all aliases are unfolded: counted, never built, so that a bomb costs nothing. */
  readonly size: number;
}

const knownTags = new Map<string, 'text' | 'plain' | 'collection'>([
  ['tag:yaml.org,2002:str', 'text'],
  ['tag:yaml.org,2002:int', 'plain'],
  ['tag:yaml.org,2002:float', 'plain'],
  ['tag:yaml.org,2002:bool', 'plain'],
  ['tag:yaml.org,2002:null', 'plain'],
  ['tag:yaml.org,2002:map', 'collection'],
  ['tag:yaml.org,2002:seq', 'collection'],
]);

/** Turns the library's nodes into located values, refusing what a configuration has no business to contain. */
export class YamlWalk {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #dialect: YamlDialect;
  readonly #position: (offset: number) => Position;
  readonly #limits: { readonly maxDepth: number; readonly maxNodes: number };
  readonly #anchors = new Map<string, Located | null>();

  constructor(
    file: string,
    dialect: YamlDialect,
    position: (offset: number) => Position,
    limits: { readonly maxDepth: number; readonly maxNodes: number },
  ) {
    this.#file = file;
    this.#dialect = dialect;
    this.#position = position;
    this.#limits = limits;
  }

  /** Null only after a problem that leaves nothing to look into. */
  located(node: unknown, key: Position | null = null, depth = 0): Located | null {
    const at = this.#at(node) ?? key ?? { line: 1, column: 1 };
    if (depth > this.#limits.maxDepth) return this.#refuse(at, `nested deeper than ${this.#limits.maxDepth} levels`);
    if (isAlias(node)) return this.#alias(node.source, at, key);
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, null); // so that an alias inside itself is seen
    const result = this.#value(node, at, key, depth);
    if (anchor !== undefined) this.#anchors.set(anchor, result);
    if (result !== null && result.size > this.#limits.maxNodes)
      return this.#refuse(at, `more than ${this.#limits.maxNodes} values once its aliases are unfolded`);
    return result;
  }

  #value(node: unknown, at: Position, key: Position | null, depth: number): Located | null {
    if (isMap(node)) return this.#tagged(node, at, 'collection') ? this.#mapping(node, at, key, depth) : null;
    if (isSeq(node)) return this.#tagged(node, at, 'collection') ? this.#sequence(node, at, key, depth) : null;
    if (isScalar(node)) {
      const value = this.#scalar(node, at);
      return value === undefined ? null : { value, at, key, children: null, size: 1 };
    }
    return { value: null, at, key, children: null, size: 1 };
  }

  #alias(anchor: string, at: Position, key: Position | null): Located | null {
    const target = this.#anchors.get(anchor);
    if (target === undefined) return this.#refuse(at, `nothing is called &${anchor} before this`);
    if (target === null) return this.#refuse(at, `*${anchor} stands inside itself`);
    return { ...target, at, key };
  }

  #sequence(node: YAMLSeq, at: Position, key: Position | null, depth: number): Located | null {
    const children = new Map<string | number, Located>();
    const values: Json[] = [];
    let size = 1;
    for (const [i, item] of node.items.entries()) {
      const child = this.located(item, null, depth + 1);
      if (child === null) continue;
      children.set(i, child);
      values[i] = child.value;
      size += child.size;
    }
    return values.length === children.size ? { value: values, at, key, children, size } : null;
  }

  #mapping(node: YAMLMap, at: Position, key: Position | null, depth: number): Located | null {
    const own = new Map<string | number, Located>();
    const merged = new Map<string | number, Located>();
    let refused = false;
    for (const pair of node.items as Pair[]) {
      const name = this.#key(pair.key);
      const child = name === null ? null : this.located(pair.value, name.at, depth + 1);
      if (name === null || child === null) {
        refused = true;
      } else if (name.merge) {
        refused = !this.#merge(child, merged) || refused;
      } else if (own.has(name.text) && this.#dialect === 'yaml-1.2') {
        this.#refuse(name.at, `the key "${name.text}" stands here twice`);
      } else {
        own.set(name.text, child);
      }
    }
    if (refused) return null;
    const children = new Map([...merged, ...own]);
    let size = 1;
    const value: Record<string, Json> = {};
    for (const [name, child] of children) {
      value[name] = child.value; // `__proto__` was refused as a key
      size += child.size;
    }
    return { value, at, key, children, size };
  }

  // `<<: *base` and `<<: [*a, *b]`: the first one to name a key wins, the mapping's own keys win over all. The order of the keys is
  // PyYAML's, which puts the last one's first: the order of traits is part of what an event's signature is computed over.
  #merge(source: Located, into: Map<string | number, Located>): boolean {
    const sources = Array.isArray(source.value) ? [...(source.children?.values() ?? [])] : [source];
    const found = new Map<string | number, Located>();
    for (const each of sources.reverse()) {
      if (each.children === null || Array.isArray(each.value))
        return this.#refuse(each.at, '`<<` takes a mapping or a list of them') !== null;
      for (const [name, child] of each.children) found.set(name, child);
    }
    for (const [name, child] of found) if (!into.has(name)) into.set(name, child);
    return true;
  }

  #key(node: unknown): { text: string; at: Position; merge: boolean } | null {
    const at = this.#at(node) ?? { line: 1, column: 1 };
    if (!isScalar(node) || typeof node.value !== 'string' || node.tag !== undefined)
      return this.#refuse(at, 'a key is plain text, expected `name: value`');
    if (node.value === '__proto__') return this.#refuse(at, 'the key "__proto__" is not allowed');
    return { text: node.value, at, merge: node.value === '<<' && node.type === Scalar.PLAIN };
  }

  #scalar(node: Scalar, at: Position): Json | undefined {
    const text = typeof node.value === 'string' ? node.value : '';
    if (!this.#tagged(node, at, 'text', 'plain')) return undefined;
    const plain = node.tag === undefined ? node.type === Scalar.PLAIN : knownTags.get(node.tag) === 'plain';
    const value = plain ? resolvePlain(text, this.#dialect) : text;
    if (this.#dialect === 'yaml-1.2' && value instanceof Float && !Number.isFinite(value.value)) {
      this.#refuse(at, `${text} is not a number to configure anything with, expected a finite one`);
      return undefined;
    }
    return value;
  }

  #tagged(node: Node, at: Position, ...allowed: ('text' | 'plain' | 'collection')[]): boolean {
    if (node.tag === undefined) return true;
    const known = knownTags.get(node.tag);
    if (known !== undefined && allowed.includes(known)) return true;
    this.#refuse(at, `the tag ${node.tag} is not allowed, expected a value without a tag`);
    return false;
  }

  #at(node: unknown): Position | undefined {
    const range = (node as Node | null)?.range;
    return range ? this.#position(range[0]) : undefined;
  }

  #refuse(at: Position, message: string): null {
    this.problems.push({ file: this.#file, ...at, path: '', message, hint: null });
    return null;
  }
}

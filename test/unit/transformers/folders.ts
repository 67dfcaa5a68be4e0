import type { AnyTransformer } from '../../../src/core/transformers/transformer.ts';

/** Throws unless the registry and the folders name the same transformers, and each entry calls itself what it is registered as. */
export function foldersMatch(folders: readonly string[], registry: Readonly<Record<string, AnyTransformer>>): void {
  const expected = folders.map((folder) => folder.replaceAll('-', '_')).sort();
  const registered = Object.keys(registry).sort();
  if (expected.join() !== registered.join()) throw new Error(`folders ${expected.join()} but registry ${registered.join()}`);
  for (const [name, transformer] of Object.entries(registry))
    if (transformer.name !== name) throw new Error(`${name} calls itself ${transformer.name}`);
}

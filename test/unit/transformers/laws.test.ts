import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { laws } from '../../../src/core/transformers/laws.ts';
import { transformers } from '../../../src/core/transformers/registry.ts';
import type { AnyTransformer } from '../../../src/core/transformers/transformer.ts';
import { foldersMatch } from './folders.ts';
import { inDisturbedWorld, moreParameters, seeded, subjectOf } from './subject.ts';

describe('the registry', () => {
  it('holds exactly the folders on disk, each under its own name', () => {
    const folders = readdirSync(new URL('../../../src/core/transformers/', import.meta.url), { withFileTypes: true });

    expect(() =>
      foldersMatch(
        folders.filter((entry) => entry.isDirectory()).map(({ name }) => name),
        transformers,
      ),
    ).not.toThrow();
  });
});

describe.each(Object.entries(transformers))('%s', (name, transformer) => {
  const subject = subjectOf(transformer as AnyTransformer, moreParameters[name]);

  it.each(laws.map((law) => [law.says, law] as const))('%s', (_says, law) => {
    inDisturbedWorld((disturb) => {
      const property = fc.property(fc.integer(), (seed) => law.check(subject, seeded(seed), disturb));

      fc.assert(property, { numRuns: law.id === 'examples-run' ? 1 : 8 });
    });
  });
});

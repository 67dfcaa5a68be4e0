import { type Law, laws } from '../../../src/core/transformers/laws.ts';
import { transformers } from '../../../src/core/transformers/registry.ts';
import type { AnyTransformer } from '../../../src/core/transformers/transformer.ts';
import { foldersMatch } from '../../unit/transformers/folders.ts';
import { inDisturbedWorld, moreParameters, seeded, subjectOf } from '../../unit/transformers/subject.ts';
import { type Check, runChecks } from '../report.ts';
import { faults } from './laws-faults.ts';

// The test of the laws: each law stays green for the healthy transformer and turns red for one with a planted fault, within as
// many seeds as the unit tests would need a few runs for.
const seeds = 60;

function firstBreach(law: Law, name: string, transformer: AnyTransformer): string | undefined {
  const subject = subjectOf(transformer, moreParameters[name]);
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      inDisturbedWorld((disturb) => law.check(subject, seeded(seed), disturb));
    } catch (error) {
      return `seed ${seed}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return undefined;
}

function lawCheck(law: Law): Check {
  return {
    id: law.id,
    about: law.says,
    run: async () => {
      let [passed, failed] = [0, 0];
      for (const fault of faults.filter((planted) => planted.law === law.id)) {
        const healthy = transformers[fault.of] as AnyTransformer;
        const green = firstBreach(law, fault.of, healthy);
        const red = firstBreach(law, fault.of, fault.plant(healthy));
        const ok = green === undefined && red !== undefined;
        if (ok) passed += 1;
        else failed += 1;
        console.log(`${ok ? 'caught' : 'MISSED'}: ${fault.of} that ${fault.does}`);
        console.log(`        ${green === undefined ? (red ?? 'stayed green').slice(0, 160) : `was red before: ${green}`}`);
      }
      return { passed, failed };
    },
  };
}

const folders = Object.keys(transformers).map((name) => name.replaceAll('_', '-'));
const folderFaults: readonly (readonly [string, () => void])[] = [
  ['a folder without its line', () => foldersMatch([...folders, 'forgotten'], transformers)],
  ['a line without its folder', () => foldersMatch(folders.slice(1), transformers)],
  [
    'an entry under another name',
    () => foldersMatch(folders, { ...transformers, delta: { ...(transformers['delta'] as AnyTransformer), name: 'gamma' } }),
  ],
];

const registryCheck: Check = {
  id: 'registry',
  about: 'The registry holds exactly the folders on disk.',
  run: async () => {
    foldersMatch(folders, transformers);
    const missed = folderFaults.filter(([what, plant]) => {
      try {
        plant();
      } catch (error) {
        console.log(`caught: ${what} (${error instanceof Error ? error.message.slice(0, 80) : ''})`);
        return false;
      }
      console.log(`MISSED: ${what}`);
      return true;
    });
    return { passed: folderFaults.length - missed.length, failed: missed.length };
  },
};

await runChecks([registryCheck, ...laws.map(lawCheck)], process.argv.slice(2));

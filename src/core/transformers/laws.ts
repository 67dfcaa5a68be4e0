import type { Json } from '../../model/json.ts';
import { createChain } from './chain.ts';
import { runExample } from './examples.ts';
import { type Lived, live, type Random, randomScript, type Script } from './law-script.ts';
import { type Breach, watched } from './law-watch.ts';
import { printState } from './state-text.ts';
import type { AnyTransformer, Example } from './transformer.ts';

/**
 * What every transformer owes, ours and an operator's own, as checks that throw. Pure: randomness comes in, and what is written as YAML comes in
 * parsed. The seventh law, that the registry holds exactly the folders on disk, needs the disk and stands in the tests.
 */
export interface LawSubject {
  readonly transformer: AnyTransformer;
  /** Parameters as its own schema parsed them, one for each example or more. */
  readonly cases: readonly { readonly parameters: unknown; readonly example?: Example }[];
}

export interface Law {
  readonly id: 'examples-run' | 'state-crosses-json' | 'no-mutation' | 'nothing-vanishes' | 'twice-is-once' | 'same-again';
  readonly says: string;
  /** Throws an Error that says what was seen. `disturb` moves the clocks and dice of the world, if the caller can. */
  check(subject: LawSubject, random: Random, disturb?: () => void): void;
}

export const laws: readonly Law[] = [
  {
    id: 'examples-run',
    says: 'The examples run and give what they say.',
    check({ transformer, cases }) {
      if (!cases.some(({ example }) => example !== undefined)) throw new Error('there is no example');
      for (const { parameters, example } of cases) if (example !== undefined) runExample(transformer, parameters, example);
    },
  },
  {
    id: 'state-crosses-json',
    says: 'State may cross JSON between any two calls without changing a result.',
    check: eachCase((transformer, parameters, script) => {
      const options = optionsOf(transformer, parameters);
      sameLives(live(options, script), live(options, script, { reborn: true }), 'after its state was stored and loaded');
    }),
  },
  { id: 'no-mutation', says: 'Nothing handed in is changed.', check: watching('no-mutation') },
  {
    id: 'nothing-vanishes',
    says: 'Every item is emitted, held or counted; none just vanishes.',
    check: watching('nothing-vanishes'),
  },
  {
    id: 'twice-is-once',
    says: 'Flushing twice, or calling due twice at one time, emits nothing the second time.',
    check: eachCase((transformer, parameters, script) => {
      const chain = createChain(optionsOf(transformer, parameters));
      for (const { id, items, time } of script) {
        chain.applyNotification(id, items, time);
        emitsNothing(chain.applyNotification(`${id} again`, [], time).out, `flushed twice after ${id}`);
        chain.advance(time);
        emitsNothing(chain.advance(time).out, `told the time twice after ${id}`);
      }
    }),
  },
  {
    id: 'same-again',
    says: 'The same input gives the same output with the same ids.',
    check: eachCase((transformer, parameters, script, disturb) => {
      const options = optionsOf(transformer, parameters);
      const first = live(options, script);
      disturb();
      sameLives(first, live(options, script), 'the second time');
    }),
  },
];

type CaseCheck = (transformer: AnyTransformer, parameters: unknown, script: Script, disturb: () => void) => void;

function eachCase(check: CaseCheck): Law['check'] {
  return ({ transformer, cases }, random, disturb = () => undefined) => {
    for (const { parameters } of cases) check(transformer, parameters, randomScript(transformer, random), disturb);
  };
}

function watching(law: Breach['law']): Law['check'] {
  return eachCase((transformer, parameters, script) => {
    const breaches: Breach[] = [];
    live(optionsOf(watched(transformer, breaches), parameters), script);
    const found = breaches.find((breach) => breach.law === law);
    if (found !== undefined) throw new Error(found.message);
  });
}

function optionsOf(transformer: AnyTransformer, parameters: unknown) {
  return { cluster: 'laws', sink: transformer.name, steps: [{ transformer, parameters }] };
}

function sameLives(a: readonly Lived[], b: readonly Lived[], when: string): void {
  a.forEach((lived, i) => {
    const [before, after] = [printState(lived.result as unknown as Json), printState(b[i]?.result as unknown as Json)];
    if (before !== after)
      throw new Error(`${lived.id} gives something else ${when}: ${shorten(before)} and then ${shorten(after)}`);
  });
}

function shorten(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

function emitsNothing(out: readonly unknown[], when: string): void {
  if (out.length > 0) throw new Error(`${when}, it emits ${out.length} more`);
}

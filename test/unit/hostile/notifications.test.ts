import { afterEach, describe, expect, it } from 'vitest';
import { readDefinitions } from '../../../src/config/definitions.ts';
import { type Conversion, createConverter } from '../../../src/core/convert/converter.ts';
import { decodeNotification } from '../../../src/core/convert/envelope.ts';
import { parseItemLine, toItemLine } from '../../../src/core/convert/wire.ts';
import { Fault } from '../../../src/model/faults.ts';
import type { Item } from '../../../src/model/item.ts';
import { definitionsDir } from '../definitions/definition-files.ts';
import { type Fate, hostile } from './corpus.ts';

const shipped = await readDefinitions({ meters: [`${definitionsDir}meters`], events: [`${definitionsDir}events`] });
const native = createConverter(shipped);
const compat = createConverter({ ...shipped, options: { compat: true, storeRaw: ['info'] } });

/** What became of a body: the way of a listener, without its I/O. */
function fateOf(body: Uint8Array): { fate: Fate; items: readonly Item[] } {
  let conversion: Conversion;
  try {
    conversion = native.convert(decodeNotification(body));
  } catch (error) {
    if (!(error instanceof Fault) || error.class !== 'poison') throw error;
    return { fate: { kind: 'refused', code: error.code }, items: [] };
  }
  const { samples, events, problems } = conversion;
  const stages = [...new Set(problems.map((problem) => problem.stage))];
  return {
    fate: stages.length === 0 ? { kind: 'passes' } : { kind: 'problem', stages },
    items: [...samples, ...events],
  };
}

function cpuMs(run: () => void): number {
  const costs = [1, 2, 3].map(() => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...costs);
}

describe('a hostile notification', () => {
  afterEach(() => {
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(([] as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it.each(hostile.map((one) => [one.title, one] as const))('with %s meets its fate', (_title, { body, fate }) => {
    const found = fateOf(body);

    expect(found.fate).toEqual(fate);
    // What passed can be written down and read back: nothing hostile is carried further.
    for (const item of found.items) expect(toItemLine(parseItemLine(toItemLine(item)))).toBe(toItemLine(item));
  });

  it.each(hostile.map((one) => [one.title, one] as const))('with %s costs less than 200 ms of CPU', (_title, { body }) => {
    expect(cpuMs(() => fateOf(body))).toBeLessThan(200);
  });

  it.each(hostile.map((one) => [one.title, one] as const))('with %s throws nothing but poison in compat mode', (_title, {
    body,
  }) => {
    try {
      compat.convert(decodeNotification(body));
    } catch (error) {
      expect(error).toMatchObject({ class: 'poison' });
    }
  });
});

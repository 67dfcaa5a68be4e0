import { describe, expect, it } from 'vitest';
import { liveness } from '../../../src/core/liveness/liveness.ts';
import { factsIn } from '../../../src/core/liveness/lots.ts';
import { defaultSettings } from '../../../src/core/liveness/settings.ts';
import { createChain } from '../../../src/core/transformers/chain.ts';
import { parseState, printState } from '../../../src/core/transformers/state-text.ts';
import type { Event } from '../../../src/model/event.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { partitionOf } from '../../../src/model/stable-hash.ts';
import { hostWith, World } from './world.ts';

const hosts = Array.from({ length: 40 }, (_, i) => `h${i}`);

/** Old partitions whose times are apart, moved into three new ones that begin at the time of the slower one. */
function moved() {
  const old = [new World(), new World()];
  old.forEach((world, from) => {
    world.until(100 + 500 * from);
    for (const host of hosts.filter((each) => partitionOf([each], 2) === from)) {
      world.define(hostWith(host, { uptime: 30 }));
      world.report(host, 'uptime');
    }
    world.until(120 + 500 * from);
    world.restart();
  });
  const rows = old.flatMap(({ stored }, from) =>
    [...stored].map(([key, text]) => {
      const [, state] = parseState(text) as readonly [number, JsonObject];
      return { from, key: key.split('/').slice(2).join('/'), state };
    }),
  );
  const relocation = {
    partitions: 3,
    home: (value: (attribute: string) => string) => partitionOf([value('resource_id')], 3),
    valuesOf: () => () => '',
    reachable: () => [0, 1, 2],
  };
  return liveness.relocate?.(defaultSettings, rows, relocation) ?? [];
}

describe('hosts that move to another number of partitions', () => {
  it('are where their names belong, each once', () => {
    const places = moved();

    places.forEach((rows, place) => {
      const there = rows.flatMap(([key]) => (key.startsWith('d:') ? [key.slice(2)] : []));
      expect(there.sort()).toEqual(hosts.filter((host) => partitionOf([host], 3) === place).sort());
    });
  });

  it('are late by the time of where they are now, and nobody sooner', () => {
    const told: string[] = [];
    for (const rows of moved()) {
      const settings = { ...defaultSettings, slackMs: 0 };
      const chain = createChain({ cluster: 'c', sink: 'hosts', steps: [{ transformer: liveness, parameters: settings }] });
      chain.load(rows.map(([key, state], mark) => [`0/liveness/${key}`, printState([mark, state])] as const));
      chain.resume({ partition: 120_000, watermark: 0, now: 0 });
      for (let second = 120; second < 200; second++) {
        const { out } = chain.advance({ partition: second * 1_000, watermark: 0, now: 1_800_000_000_000 + second * 1_000 });
        for (const { kind, host } of (out as readonly Event[]).flatMap(factsIn))
          if (kind === 'down') told.push(`${second} ${host}`);
      }
    }

    // Nobody could be heard while they were moved: a whole interval from there.
    expect(new Set(told.map((line) => Number(line.split(' ')[0])))).toEqual(new Set([161]));
    expect(told).toHaveLength(hosts.length);
  });
});

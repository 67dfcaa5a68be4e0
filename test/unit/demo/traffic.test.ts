import { describe, expect, it } from 'vitest';
import { Cloud } from '../../../src/cli/demo/traffic.ts';
import { readDefinitions } from '../../../src/config/definitions.ts';
import { shippedDefinitions } from '../../../src/config/load-setup.ts';
import { createConverter } from '../../../src/core/convert/converter.ts';
import { decodeNotification } from '../../../src/core/convert/envelope.ts';

describe('the traffic of the demo', () => {
  it('says the same in the same round, so that a resend carries the same message ids', () => {
    const rounds = () => {
      const cloud = new Cloud(10, 0);
      return [cloud.nextRound(), cloud.nextRound(), cloud.lastRound()];
    };

    expect(rounds()).toEqual(rounds());
  });

  it('is made of notifications that the shipped definitions convert without a problem', async () => {
    const converter = createConverter(await readDefinitions(shippedDefinitions));
    const cloud = new Cloud(20, Date.parse('2026-01-01T00:00:00Z'));
    const names = new Set<string>();
    for (let round = 0; round < 12; round++) {
      for (const { body } of cloud.nextRound()) {
        const { samples, events, problems } = converter.convert(decodeNotification(new TextEncoder().encode(body)));
        expect(problems).toEqual([]);
        for (const sample of samples) names.add(sample.name);
        for (const event of events) names.add(event.event_type);
      }
    }

    for (const name of ['cpu', 'memory.usage', 'network.incoming.bytes', 'compute.instance.create.end', 'vcpus']) {
      expect(names, name).toContain(name);
    }
  });
});

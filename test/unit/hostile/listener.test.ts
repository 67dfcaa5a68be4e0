import { describe, expect, it } from 'vitest';
import { readDefinitions } from '../../../src/config/definitions.ts';
import { createConverter } from '../../../src/core/convert/converter.ts';
import { definitionsDir } from '../definitions/definition-files.ts';
import { message, Rig } from '../pipeline/listener-rig.ts';
import { excessive, hostile, repeating } from './corpus.ts';

const shipped = await readDefinitions({ meters: [`${definitionsDir}meters`], events: [`${definitionsDir}events`] });
const limits = { maxMessageBytes: 1 << 20, maxDepth: 32, maxString: 1 << 16, maxSamplesPerNotification: 10_000 };
const good = (id: string) =>
  message(id, { metrics: [{ name: 'a', unit: 'u', value: 1 }], resource_id: 'r' }, 'magnum.bay.metrics.update');

describe('a listener', () => {
  it.each(
    excessive.map((one) => [one.title, one] as const),
  )('makes a dead letter of a notification with %s, and its neighbours pass', async (_title, { body, reason }) => {
    const rig = new Rig({ converter: createConverter(shipped), limits });

    await rig.deliver(good('before'), new TextDecoder().decode(body), good('after'));
    await rig.end();

    expect(rig.letters.map((letter) => letter.reason)).toEqual([reason]);
    expect(rig.entries.flatMap((entry) => entry.notifications.map((part) => part.id))).toEqual(['before', 'after']);
    expect(rig.story.filter((line) => line.startsWith('settle'))).toHaveLength(3);
  });

  it('takes samples that repeat their payload where together they stay within the bound', async () => {
    const rig = new Rig({ converter: createConverter(shipped), limits });

    await rig.deliver(new TextDecoder().decode(repeating(50, 'x'.repeat(10_000))));
    await rig.end();

    expect(rig.letters).toEqual([]);
    expect(rig.tally.samples).toBe(50);
  });

  it('holds to the limits it was given', async () => {
    const rig = new Rig({ limits: { maxMessageBytes: 1_000, maxDepth: 4, maxString: 20, maxSamplesPerNotification: 1 } });

    await rig.deliver(message('deep', [[[[]]]]), message('long', 'x'.repeat(21)), message('large', Array(500).fill(10)));
    await rig.end();

    expect(rig.letters.map((letter) => letter.reason)).toEqual(['too_deep', 'string_too_long', 'too_large']);
  });

  it('passes a batch on in portions, so that what is in memory at a time is bounded', async () => {
    const rig = new Rig({ converter: createConverter(shipped), limits });
    const large = new TextDecoder().decode(repeating(150, 'x'.repeat(60_000)));

    await rig.deliver(...Array.from({ length: 10 }, (_, i) => large.replace(/"message_id":"[^"]*"/, `"message_id":"l${i}"`)));
    await rig.end();

    expect(rig.letters).toEqual([]);
    expect(rig.entries.flatMap((entry) => entry.notifications.map((part) => part.id))).toHaveLength(10);
    const firstSettled = rig.story.findIndex((line) => line.startsWith('settle'));
    const lastAppend = rig.story.findLastIndex((line) => line.startsWith('append'));
    expect(firstSettled).toBeLessThan(lastAppend);
  });

  it('settles every hostile notification, and the good ones among them are appended', async () => {
    const rig = new Rig({ converter: createConverter(shipped), limits });
    const count = hostile.length;

    for (const [i, { body }] of hostile.entries()) {
      const text = new TextDecoder().decode(body);
      await rig.deliver(good(`good-${i}`), text);
    }
    await rig.end();

    expect(rig.story.filter((line) => line.startsWith('back'))).toEqual([]);
    expect(rig.story.filter((line) => line.startsWith('settle'))).toHaveLength(2 * count);
    const ids = new Set(rig.entries.flatMap((entry) => entry.notifications.map((part) => part.id)));
    expect(hostile.filter((_, i) => !ids.has(`good-${i}`))).toEqual([]);
  });
});

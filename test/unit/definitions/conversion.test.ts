import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readDefinitions } from '../../../src/config/definitions.ts';
import { type Conversion, createConverter } from '../../../src/core/convert/converter.ts';
import { toNotification } from '../../../src/core/convert/envelope.ts';
import type { DefinitionFile } from '../../../src/core/convert/meters.ts';
import { toItemLine } from '../../../src/core/convert/wire.ts';
import { parseJson } from '../../../src/model/json-text.ts';
import { definitionsDir } from './definition-files.ts';

const day = linesOf('../../golden/notifications.jsonl').map((line) => toNotification(parseJson(line)));
const own = await readDefinitions({ meters: [`${definitionsDir}meters`], events: [`${definitionsDir}events`] });

/** What Ceilometer 27.0.0 with the definitions it ships made of one notification. */
interface Recorded {
  readonly message_id: string;
  readonly samples: readonly Plain[];
  readonly event: Plain | null;
}
type Plain = { readonly [field: string]: unknown };
const recorded = linesOf('./ceilometer-27.golden.jsonl').map((line) => JSON.parse(line) as Recorded);

function linesOf(path: string): string[] {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
}

const sampleFields = 'name type unit volume resource_id user_id project_id timestamp resource_metadata'.split(' ');

function plainSamples({ samples }: Conversion): Plain[] {
  const all = samples.map((sample) => JSON.parse(toItemLine(sample)) as Plain);
  const kept = all.map((sample) => Object.fromEntries(sampleFields.map((field) => [field, sample[field]])));
  return kept.sort((a, b) => (`${a['name']} ${a['resource_id']}` < `${b['name']} ${b['resource_id']}` ? -1 : 1));
}

function plainEvent({ events: [event] }: Conversion): Plain | null {
  if (event === undefined) return null;
  const { event_type, generated, traits } = JSON.parse(toItemLine(event)) as { traits: [string][] } & Plain;
  return { event_type, generated, traits: traits.sort(([a], [b]) => (a < b ? -1 : 1)) };
}

/** What the whole day gives with these definitions, as one text. */
function dayWith(meters: readonly DefinitionFile[], events: readonly DefinitionFile[]): string {
  const converter = createConverter({ meters, events });
  return JSON.stringify(day.map((notification) => converter.convert(notification)).map((c) => [plainSamples(c), plainEvent(c)]));
}

/** Every way to leave out one definition. */
function gaps(files: readonly DefinitionFile[]): { title: string; rest: readonly DefinitionFile[] }[] {
  return files.flatMap(({ file, definitions }) =>
    definitions.map((definition, left) => {
      const { name, event_type } = definition as { name?: string; event_type: unknown };
      const rest = files.map((f) => (f.file === file ? { file, definitions: f.definitions.filter((_, i) => i !== left) } : f));
      return { title: name ?? String(event_type), rest };
    }),
  );
}

describe('our definitions', () => {
  const converter = createConverter(own);

  it('load without a warning', () => {
    expect(converter.warnings).toEqual([]);
  });

  it.each(
    day.map((notification, i) => [notification.event_type, notification, recorded[i]] as const),
  )('make of %s what Ceilometer 27 makes of it', (_type, notification, theirs) => {
    const ours = converter.convert(notification);

    expect(theirs?.message_id).toBe(notification.message_id);
    expect(ours.problems).toEqual([]);
    expect(plainSamples(ours)).toEqual(theirs?.samples);
    expect(plainEvent(ours)).toEqual(theirs?.event);
  });

  it('name a login without an outcome word by the prefix alone', () => {
    const login = day.find((notification) => notification.event_type === 'identity.authenticate');
    const payload = { ...(login?.payload as object), outcome: '' };

    const { samples } = converter.convert({ ...(login as (typeof day)[number]), payload });

    expect(samples.map((sample) => sample.name)).toEqual(['identity.authenticate.']);
  });
});

describe('the day of notifications', () => {
  const allSamples = dayWith(own.meters, []);
  const allEvents = dayWith([], own.events);

  it.each(gaps(own.meters))('needs the meter $title', ({ rest }) => {
    expect(dayWith(rest, [])).not.toBe(allSamples);
  });

  // What we send ourselves is not in a day of OpenStack; `test/unit/mail/agent-mails.test.ts` needs it.
  it.each(gaps(own.events).filter(({ title }) => title !== 'mail.failed'))('needs the event definition $title', ({ rest }) => {
    expect(dayWith([], rest)).not.toBe(allEvents);
  });
});

import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { sampleTypes } from '../../../src/model/sample.ts';
import { definitionFiles } from './definition-files.ts';

const meters = definitionFiles('meters');
const events = definitionFiles('events');
const services = (kind: typeof meters) => kind.map(({ path }) => path.replace(/^.*\/(.*)\.yaml$/, '$1'));

const meterKeys = ['name', 'event_type', 'type', 'unit', 'volume', 'resource_id'];
const optionalMeterKeys = ['user_id', 'project_id', 'timestamp', 'metadata', 'user_metadata', 'lookup'];

describe('the definition files', () => {
  it.each([...meters, ...events])('$path reads without a problem and defines something', ({ problems, definitions }) => {
    expect(problems).toEqual([]);
    expect(definitions.length).toBeGreaterThan(0);
  });

  it.each([...meters, ...events])('$path begins with what it is about and who sends it', ({ text }) => {
    const head = text.slice(0, text.indexOf('\n\n'));

    expect(head).toMatch(/^# \S/);
    expect(text).toContain('Sent by ');
  });

  // A text with one character beyond Latin-1, be it in a comment, takes two bytes for each, and so does every name cut from it, every line
  // that such a name is printed into, and every batch of these lines.
  it.each([...meters, ...events])('$path holds Latin-1 only', ({ text }) => {
    expect(text).not.toMatch(/[^\u0000-\u00ff]/);
  });

  it('cover every service that Ceilometer 27 has meters for', () => {
    const expected = ['cinder', 'designate', 'glance', 'keystone', 'magnum', 'manila', 'neutron', 'nova', 'swift', 'trove'];

    expect(services(meters)).toEqual(expected);
  });

  it('cover every service that Ceilometer 27 has events for', () => {
    const core = ['cinder', 'designate', 'glance', 'heat', 'keystone', 'magnum', 'manila', 'neutron', 'nova', 'swift', 'trove'];

    expect(services(events)).toEqual(expect.arrayContaining([...core, 'aodh', 'octavia', 'osprofiler', 'web-audit']));
  });

  // Of all definitions that match, the last one read wins, and no pattern is as wide as `*http.*`. Read last, it needs no more than a list
  // of exceptions; read earlier, it would silently lose requests to any wide pattern behind it.
  it('keep the widest pattern for the last file', () => {
    expect(services(events).at(-1)).toBe('web-audit');
  });
});

describe('the meters', () => {
  const all = meters.flatMap(({ path, definitions }) =>
    definitions.map((definition) => ({ path, name: String(definition['name']), definition })),
  );

  it('have names of their own over all files', () => {
    const names = all.map(({ name }) => name);

    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it.each(all)('$name ($path) has the keys that are required and none that would be ignored', ({ definition }) => {
    const keys = Object.keys(definition);

    expect(keys).toEqual(expect.arrayContaining(meterKeys));
    expect(keys.filter((key) => ![...meterKeys, ...optionalMeterKeys].includes(key))).toEqual([]);
    expect(sampleTypes).toContain(definition['type']);
  });

  // The event type of a meter is a regular expression: a bare dot would match any character.
  it.each(all)('$name ($path) escapes the dots of its event type', ({ definition }) => {
    expect(String(definition['event_type']).replaceAll('\\.', '')).not.toContain('.');
  });
});

describe('the events', () => {
  const all = events.flatMap(({ path, definitions }) =>
    definitions.map((definition) => ({ path, type: [definition['event_type']].flat().join(' '), definition })),
  );

  it.each(all)('$type ($path) has only traits that can be read', ({ definition }) => {
    const traits = Object.values(definition['traits'] as JsonObject);

    expect(Object.keys(definition).sort()).toEqual(['event_type', 'traits']);
    expect(traits.length).toBeGreaterThan(0);
    for (const trait of traits) {
      const { type, fields, ...ignored } =
        typeof trait === 'string' || Array.isArray(trait) ? { type: 'text', fields: trait } : (trait as JsonObject);
      expect(['text', 'int', 'datetime']).toContain(type);
      for (const field of [fields].flat()) expect(field).toMatch(/^(payload|ctxt|publisher_id)\b/);
      expect(ignored).toEqual({});
    }
  });
});

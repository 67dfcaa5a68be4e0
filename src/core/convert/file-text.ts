import type { Event } from '../../model/event.ts';
import { traitTypes } from '../../model/event.ts';
import { type Item, isEvent } from '../../model/item.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { printJson, quoteJson } from '../../model/json-text.ts';
import type { Sample } from '../../model/sample.ts';
import { pyRepr } from '../python/text.ts';
import { toSampleLine } from './wire.ts';

// What Ceilometer's file publisher writes: `as_dict()` of sample or event, as JSON or as Python prints a dict. The dict of an event is not
// its wire model: traits are `{name, dtype, value}`, and times are `datetime`s, which JSON shows by `str()` and Python by `repr()`.

/** One line without its newline. */
export function fileText(item: Item, form: 'json' | 'python'): string {
  if (form === 'json') return isEvent(item) ? eventJson(item) : toSampleLine(item);
  return isEvent(item) ? eventDict(item) : pyRepr(sampleDict(item));
}

function sampleDict(sample: Sample): JsonObject {
  const { id, name, type, unit, volume, user_id, user_name, project_id, project_name } = sample;
  const { resource_id, timestamp, resource_metadata, source, monotonic_time } = sample;
  return {
    name,
    type,
    unit,
    volume,
    user_id,
    user_name,
    project_id,
    project_name,
    resource_id,
    timestamp,
    resource_metadata,
    source,
    id,
    monotonic_time,
  };
}

function eventJson({ message_id, event_type, generated, traits, raw }: Event): string {
  const told = traits.map(
    ([name, dtype, value]) =>
      `{"name":${quoteJson(name)},"dtype":${dtype},"value":${dtype === traitTypes.datetime ? quoteJson(timeStr(value)) : printJson(value)}}`,
  );
  return `{"message_id":${quoteJson(message_id)},"event_type":${quoteJson(event_type)},"generated":${quoteJson(timeStr(generated))},"traits":[${told.join(',')}],"raw":${printJson(raw)}}`;
}

function eventDict({ message_id, event_type, generated, traits, raw }: Event): string {
  const told = traits.map(
    ([name, dtype, value]) =>
      `{'name': ${pyRepr(name)}, 'dtype': ${dtype}, 'value': ${dtype === traitTypes.datetime ? timeRepr(value) : pyRepr(value)}}`,
  );
  return `{'message_id': ${pyRepr(message_id)}, 'event_type': ${pyRepr(event_type)}, 'generated': ${timeRepr(generated)}, 'traits': [${told.join(', ')}], 'raw': ${pyRepr(raw)}}`;
}

/** `str()` of the naive datetime that an ISO text stands for. */
function timeStr(iso: Json): string {
  return String(iso).replace('T', ' ');
}

/** Its `repr()`: seconds and microseconds are left out from the end while they are zero. */
function timeRepr(iso: Json): string {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{6}))?$/.exec(String(iso));
  if (found === null) return pyRepr(iso);
  const parts = found.slice(1).map((part) => Number(part ?? 0));
  if (parts.at(-1) === 0) parts.pop();
  if (parts.length === 6 && parts.at(-1) === 0) parts.pop();
  return `datetime.datetime(${parts.join(', ')})`;
}

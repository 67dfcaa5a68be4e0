import { type Item, isEvent } from '../../model/item.ts';
import { isObject, type Json } from '../../model/json.ts';
import { printJson } from '../../model/json-text.ts';

/**
 * The values that decide which partition an item goes to, by the attribute names of `partition_by`: a field (`resource_id`, `name`,
 * `event_type`), a path into metadata (`resource_metadata.host`) or a trait (`traits.instance_id`). An absent value and null are
 * the empty text. They are hashed with their lengths, so `ab`+`c` never meets `a`+`bc`.
 */
export function compileGroupingKey(attributes: readonly string[]): (item: Item) => readonly string[] {
  const readers = attributes.map(compileAttribute);
  return (item) => readers.map((read) => toText(read(item)));
}

/** The same as one text: of one attribute its value, of several a JSON array. */
export function compilePartitionKey(attributes: readonly string[]): (item: Item) => string {
  const values = compileGroupingKey(attributes);
  return (item) => {
    const [first = '', ...others] = values(item);
    return others.length === 0 ? first : printJson([first, ...others]);
  };
}

export function compileAttribute(attribute: string): (item: Item) => Json | undefined {
  const [head = '', ...path] = attribute.split('.');
  if (head === 'traits' && path.length > 0) {
    const name = path.join('.');
    return (item) => (isEvent(item) ? item.traits.find((trait) => trait[0] === name)?.[2] : undefined);
  }
  return (item) => {
    let value: Json | undefined = own(item as unknown as Json, head);
    for (const segment of path) value = own(value, segment);
    return value;
  };
}

function own(value: Json | undefined, key: string): Json | undefined {
  return value !== undefined && isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** As it stands in a key. */
export function toText(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : printJson(value);
}

import { type Item, isEvent, itemId, itemTime } from '../../model/item.ts';
import { isObject, type Json } from '../../model/json.ts';
import { printJson } from '../../model/json-text.ts';
import { toItemLine } from '../convert/wire.ts';

/**
 * A text with macros: `{{event_type}}`, `{{resource_metadata.display_name}}`, with a text for when there is none `{{host|unknown}}`.
 *
 * | name                                            | is                                             |
 * |-------------------------------------------------|------------------------------------------------|
 * | `id`, `time`, `name`, `sink`                    | of any item; `name` is an event's type as well |
 * | an event's `event_type`, `message_id`, `generated`, and each trait by its name | of events |
 * | every field of a sample, `a.b` for inner ones   | of samples                                     |
 * | `json`                                          | the whole item, as the publisher `file` writes it |
 */
export interface Template {
  readonly source: string;
  readonly parts: readonly (string | Macro)[];
}

interface Macro {
  readonly name: string;
  readonly otherwise: string;
}

const macro = /\{\{\s*([^{}|]*?)\s*(?:\|([^{}]*))?\}\}/g;
const macroName = /^[\w@-]+(?:[.:][\w@-]+)*$/;

/** Null stands for a text that is no template; `fault` says why. */
export function parseTemplate(source: string): Template | { readonly fault: string } {
  const parts: (string | Macro)[] = [];
  let from = 0;
  for (const found of source.matchAll(macro)) {
    const [whole, name = '', otherwise = ''] = found;
    if (!macroName.test(name)) return { fault: `"${whole}" is no macro, expected such as {{event_type}} or {{host|unknown}}` };
    parts.push(source.slice(from, found.index), { name, otherwise });
    from = found.index + whole.length;
  }
  const rest = source.slice(from);
  if ([...parts, rest].some((part) => typeof part === 'string' && part.includes('{{'))) return { fault: '"{{" without its "}}"' };
  return { source, parts: [...parts, rest].filter((part) => part !== '') };
}

/** How a value is written where the text goes. */
export type Escape = (text: string) => string;

/** As it is. For bodies: a line break in a value is a line break. */
export const asIs: Escape = (text) => text;

/**
 * For one line that becomes a header: what would end the line, or is no text, is shown as JSON would (`\r\n`). So a host name with a
 * line break in it cannot add a header, and can still be read.
 */
export const onOneLine: Escape = (text) =>
  text.replaceAll(/[\u0000-\u001f\u007f\u0085\u2028\u2029]/g, (character) => {
    const known: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t' };
    return known[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });

export const inHtml: Escape = (text) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

export function render(template: Template, item: Item, sink: string, quote: Escape): string {
  return template.parts
    .map((part) => (typeof part === 'string' ? part : quote(macroValue(part.name, item, sink) ?? part.otherwise)))
    .join('');
}

/** The value of a macro as text; undefined when the item has none, or null. */
export function macroValue(name: string, item: Item, sink: string): string | undefined {
  switch (name) {
    case 'id':
      return itemId(item);
    case 'time':
      return itemTime(item);
    case 'sink':
      return sink;
    case 'name':
      return isEvent(item) ? item.event_type : item.name;
    case 'json':
      return toItemLine(item);
    default:
      return toText(found(name, item));
  }
}

function found(name: string, item: Item): Json | undefined {
  if (isEvent(item)) {
    const trait = item.traits.find(([other]) => other === name);
    if (trait !== undefined) return trait[2];
  }
  let value: Json | undefined = item as unknown as Json;
  for (const key of name.split('.')) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}

function toText(value: Json | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  return printJson(value);
}

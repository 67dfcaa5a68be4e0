import { type Trait, type TraitType, traitTypes } from '../../model/event.ts';
import { isObject, type Json, type JsonObject, toFloat } from '../../model/json.ts';
import { toNaiveUtc } from '../python/datetime.ts';
import { compileGlob, type Glob } from '../python/glob.ts';
import { pyFloat, pyInt } from '../python/number.ts';
import { pyCut, pyStr } from '../python/text.ts';
import { brokenDefinition, excerpt } from './definition-error.ts';
import { compileField } from './field.ts';

const longestText = 255;

const defaultTraits: JsonObject = {
  service: 'publisher_id',
  request_id: 'ctxt.request_id',
  project_id: ['payload.tenant_id', 'ctxt.project_id'],
  user_id: ['payload.user_id', 'ctxt.user_id'],
  tenant_id: ['payload.tenant_id', 'ctxt.project_id'],
};

export interface EventDefinition {
  readonly matches: (eventType: string) => boolean;
  readonly isCatchAll: boolean;
  /** Throws a PythonError where a trait cannot be converted: the whole event is lost then. */
  readonly traits: (root: Json) => readonly Trait[];
}

/** Throws a DefinitionError; for events any of them keeps the agent from starting. */
export function compileEventDefinition(definition: Json): EventDefinition {
  if (!isObject(definition)) throw brokenDefinition('an event definition is not an object');
  for (const name of ['event_type', 'traits']) if (!Object.hasOwn(definition, name)) throw brokenDefinition(`${name}: required`);
  const { included, excluded, isCatchAll } = compileEventTypes(definition['event_type'] as Json);
  const given = definition['traits'] as Json;
  if (!isObject(given) && !(Array.isArray(given) && given.length === 0) && given !== '')
    throw brokenDefinition('traits: expected an object of names and fields');
  const traits = { ...defaultTraits, ...(isObject(given) ? given : {}) };
  const compiled = Object.keys(traits).map((name) => compileTrait(name, traits[name] as Json));
  return {
    matches: (eventType) => included.some((glob) => glob(eventType)) && !excluded.some((glob) => glob(eventType)),
    isCatchAll,
    traits: (root) => {
      const found: Trait[] = [];
      for (const trait of compiled) {
        const value = trait(root);
        if (value !== undefined) found.push(value);
      }
      return found;
    },
  };
}

function compileEventTypes(eventType: Json): { included: Glob[]; excluded: Glob[]; isCatchAll: boolean } {
  const list = typeof eventType === 'string' ? [eventType] : isObject(eventType) ? Object.keys(eventType) : eventType;
  if (!Array.isArray(list) || list.some((pattern) => typeof pattern !== 'string'))
    throw brokenDefinition('event_type: expected a glob or a list of them');
  const patterns = list as readonly string[];
  const excluded = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  const given = patterns.filter((pattern) => !pattern.startsWith('!'));
  const included = excluded.length > 0 && given.length === 0 ? ['*'] : given;
  return {
    included: included.map(compileGlob),
    excluded: excluded.map(compileGlob),
    isCatchAll: included.includes('*') && excluded.length === 0,
  };
}

function compileTrait(name: string, definition: Json): (root: Json) => Trait | undefined {
  const field = compileField(`traits.${name}`, definition);
  const type = traitType(name, definition);
  return (root) => {
    const value = field.one(root);
    if (value === null || (value === '' && type !== traitTypes.text)) return undefined;
    return [name, type, convert(type, value)];
  };
}

function traitType(name: string, definition: Json): TraitType {
  const word = isObject(definition) && Object.hasOwn(definition, 'type') ? definition['type'] : 'text';
  const lower = typeof word === 'string' ? word.toLowerCase() : '';
  if (!Object.hasOwn(traitTypes, lower))
    throw brokenDefinition(
      `traits.${name}: type ${excerpt(pyStr(word as Json))} is none of ${Object.keys(traitTypes).join(', ')}`,
    );
  return traitTypes[lower as keyof typeof traitTypes];
}

function convert(type: TraitType, value: Json): Json {
  switch (type) {
    case traitTypes.int:
      return pyInt(value);
    case traitTypes.float:
      return toFloat(pyFloat(value));
    case traitTypes.datetime:
      return toNaiveUtc(value);
    default:
      return pyCut(pyStr(value), longestText);
  }
}

import { isObject, type Json } from '../../model/json.ts';

/** The parameters without it. What nobody reads is no part of the configuration, so that its native form has the same hash. */
export function withoutParameter(parameters: Json, path: readonly string[]): Json {
  const [head = '', ...rest] = path;
  if (!isObject(parameters)) return parameters;
  const members = Object.entries(parameters).filter(([key]) => rest.length > 0 || key !== head);
  return Object.fromEntries(members.map(([key, member]) => [key, key === head ? withoutParameter(member, rest) : member]));
}

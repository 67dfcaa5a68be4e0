import { settings } from './agent-settings.ts';
import type { Environment } from './references.ts';
import { nearest } from './suggest.ts';

const prefix = 'CEILOGRAPH_';
/** Ours, but no settings: which of several worker processes this is, where a test lets it die, and as which build it speaks. */
const internal = new Set(['CEILOGRAPH_WORKER_INDEX', 'CEILOGRAPH_CRASH_AT', 'CEILOGRAPH_PROTOCOL']);

export interface WatchedEnvironment {
  readonly env: Environment;
  /** After everything is loaded: one line for each variable with our prefix that nothing has asked for. */
  unknown(): readonly string[];
}

/** A slip in a variable's name would leave the default in force, and nobody would know. What files refer to (`${env:NAME}`) is asked for too. */
export function watchEnvironment(given: Environment): WatchedEnvironment {
  const asked = new Set<PropertyKey>();
  const env = new Proxy(given, {
    get: (target, name) => {
      asked.add(name);
      return Reflect.get(target, name);
    },
  });
  return {
    env,
    unknown: () =>
      Object.keys(given)
        .filter((name) => name.startsWith(prefix) && !asked.has(name) && !internal.has(name))
        .sort()
        .map((name) => `${name} is set, but there is no such setting and no file refers to it; ${hint(name)}`),
  };
}

function hint(name: string): string {
  const known = settings.flatMap(({ variable, secret }) => (secret ? [variable, `${variable}_FILE`] : [variable]));
  const near = nearest(
    name.slice(prefix.length),
    known.map((variable) => variable.slice(prefix.length)),
  );
  return near === undefined ? 'docs/reference/agent.md lists them' : `did you mean ${prefix}${near}?`;
}

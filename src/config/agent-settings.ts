import { z } from 'zod';
import { AgentFile } from './agent-schema.ts';
import { type Environment, fromEnvironment } from './references.ts';

/** One scalar or list of the agent's file that can also be given as a variable. */
export interface Setting {
  /** `log.level` */
  readonly path: string;
  /** `CEILOGRAPH_LOG_LEVEL` */
  readonly variable: string;
  readonly type: 'text' | 'number' | 'boolean' | 'list';
  readonly secret: boolean;
}

interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

/** Too much structure for a variable. */
const structured = new Set(['inputs', 'spooler']);

/** Found in the schema, so that a new setting has its variable at once. */
export const settings: readonly Setting[] = leaves(
  z.toJSONSchema(AgentFile, { io: 'input', unrepresentable: 'any' }) as SchemaNode,
  [],
);

function leaves(node: SchemaNode, path: readonly string[]): Setting[] {
  if (node.properties !== undefined)
    return Object.entries(node.properties).flatMap(([key, member]) =>
      structured.has(key) ? [] : leaves(member, [...path, key]),
    );
  const name = path.join('.');
  return [
    {
      path: name,
      variable: `CEILOGRAPH_${name.replaceAll('.', '_').toUpperCase()}`,
      type:
        node.type === 'array'
          ? 'list'
          : node.type === 'boolean'
            ? 'boolean'
            : node.type === 'integer' || node.type === 'number'
              ? 'number'
              : 'text',
      secret: name === 'telemetry_secret',
    },
  ];
}

export interface GivenSetting {
  readonly setting: Setting;
  readonly value: unknown;
  readonly fault?: string;
}

/** What the environment says, as values of the right type (a wrong one stays text and the schema refuses it). */
export async function fromVariables(env: Environment): Promise<GivenSetting[]> {
  const given: GivenSetting[] = [];
  for (const setting of settings) {
    if (setting.secret) {
      if (env[setting.variable] === undefined && env[`${setting.variable}_FILE`] === undefined) continue;
      const found = await fromEnvironment(setting.variable, env);
      given.push('fault' in found ? { setting, value: undefined, fault: found.fault } : { setting, value: found.value });
    } else if (setting.path !== 'telemetry_secret_file') {
      const text = env[setting.variable];
      if (text !== undefined) given.push({ setting, value: typed(text, setting.type) });
    }
  }
  return given;
}

function typed(text: string, type: Setting['type']): unknown {
  if (type === 'number') return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (type === 'list')
    return text
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '');
  return text;
}

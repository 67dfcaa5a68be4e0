import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { literalAt } from './python-literal.ts';
import { SpoolerSchema, type SpoolerSettings } from './settings.ts';

/** `name = literal` for each assignment of a settings file of Checkmk (`*.mk`), the last one of a name; the lines that are no such. */
export function readAssignments(text: string): { readonly values: JsonObject; readonly otherLines: readonly number[] } {
  const values: [string, Json][] = [];
  const otherLines: number[] = [];
  const start = /^(?:(\w+)[ \t]*=(?!=)[ \t]*|[^\s#].*$)/gm;
  for (let found = start.exec(text); found !== null; found = start.exec(text)) {
    const [, name] = found;
    const line = text.slice(0, found.index).split('\n').length;
    if (name === undefined) {
      otherLines.push(line);
      continue;
    }
    const value = literalAt(text, start.lastIndex);
    if (value === undefined) otherLines.push(line);
    else {
      values.push([name, value.literal]);
      start.lastIndex = value.end;
    }
  }
  return { values: Object.fromEntries(values), otherLines };
}

export interface Merged {
  readonly settings: SpoolerSettings;
  /** What was done with each of Checkmk's settings, for an operator to read. */
  readonly notes: readonly string[];
}

const present = ['notification_spooler_config', 'notification_spooling'];
const old = [
  'notification_daemon_listen_port',
  'notification_deferred_retention_time',
  'notification_forward_to',
  'notification_spool_to',
];

/**
 * Our settings with Checkmk's, the present ones or those of before 1.2.6, in their place. As soon as a role is set, or whom to listen
 * for or dial, Checkmk's are ignored, and as soon as one of its present ones is there, its old ones. What was ignored is said. Throws what
 * the schema throws for values that cannot be.
 */
export function withCheckmkSettings(settings: SpoolerSettings, values: JsonObject): Merged {
  const given = (names: readonly string[]) => names.filter((name) => Object.hasOwn(values, name) && values[name] !== null);
  const ignored = (names: readonly string[], because: string) => names.map((name) => `${name} is ignored, because ${because}`);
  if (settings.role !== 'standalone') return { settings, notes: ignored(given([...present, ...old]), '`role` is set') };
  const hasPresent = given(present).length > 0;
  const notes = hasPresent ? ignored(given(old), `${given(present).join(' and ')} is set`) : [];
  const taken = hasPresent ? fromPresent(values, notes) : fromOld(values, notes);
  return { settings: SpoolerSchema.parse({ ...settings, ...taken }), notes };
}

type Written = Record<string, unknown>;

function fromPresent(values: JsonObject, notes: string[]): Written {
  const config = values['notification_spooler_config'];
  const { incoming, outgoing, deferred_cooldown, deferred_force_retransmit } = isObject(config ?? null)
    ? (config as JsonObject)
    : {};
  const sends = ['remote', 'both'].includes(String(values['notification_spooling']));
  const taken: Written = {};
  if (deferred_cooldown !== undefined) taken['deferred_cooldown'] = deferred_cooldown;
  if (deferred_force_retransmit !== undefined) taken['deferred_force_retransmit'] = deferred_force_retransmit;
  if (isObject(incoming ?? null)) {
    const { listen_port, heartbeat_interval, encryption } = incoming as JsonObject;
    taken['tcp_server'] = { listen: listen_port ?? 6555, address: '::', ...encryptionOf(encryption, 'incoming', notes) };
    if (heartbeat_interval !== undefined) taken['send_heartbeat'] = heartbeat_interval;
  }
  if (Array.isArray(outgoing) && outgoing.length > 0) {
    const servers = (outgoing as readonly Json[]).filter(isObject);
    const [first = {}] = servers;
    taken['tcp_client'] = {
      servers: servers.map(({ address, port, encryption }) => ({
        address,
        port: port ?? 6555,
        ...encryptionOf(encryption, String(address), notes),
      })),
      cooldown: first['cooldown'] ?? 20,
    };
    const [interval, timeout] = [Number(first['heartbeat_interval'] ?? 10), Number(first['heartbeat_timeout'] ?? 3)];
    taken['send_heartbeat'] = interval;
    taken['expect_heartbeat'] = interval + timeout;
  }
  if (taken['tcp_server'] === undefined && taken['tcp_client'] === undefined) return taken;
  return { ...taken, role: sends ? 'source' : 'sink' };
}

function encryptionOf(encryption: Json | undefined, where: string, notes: string[]): Written {
  if (encryption === undefined || encryption === 'unencrypted') return { encryption: 'unencrypted' };
  notes.push(
    encryption === 'upgradable'
      ? `${where}: upgradable would fall back to plain, which we never do: set \`tcp_server\` or \`tcp_client\` with \`tls\``
      : `${where}: encrypted needs \`tls\`, set \`tcp_server\` or \`tcp_client\` with it`,
  );
  return {};
}

function fromOld(values: JsonObject, notes: string[]): Written {
  const taken: Written = {};
  const retention = values['notification_deferred_retention_time'];
  if (retention !== undefined && retention !== null) taken['deferred_cooldown'] = retention;
  const spoolTo = values['notification_spool_to'];
  const forwardTo = values['notification_forward_to'];
  const port = values['notification_daemon_listen_port'];
  const plain = { encryption: 'unencrypted' };
  if (Array.isArray(spoolTo)) {
    const [address, to, alsoLocal] = spoolTo as readonly Json[];
    if (alsoLocal === true)
      notes.push('notification_spool_to also delivered locally: give the publisher `spool` the parameter `deliver: both`');
    return { ...taken, role: 'source', tcp_client: { servers: [{ address, port: to ?? 6555, ...plain }] } };
  }
  if (typeof forwardTo === 'string' && forwardTo !== '')
    return { ...taken, role: 'source', tcp_client: { servers: [{ address: forwardTo, port: port ?? 6555, ...plain }] } };
  if (port === undefined || port === null) return taken;
  return { ...taken, role: 'sink', tcp_server: { listen: port, address: '::', ...plain } };
}

import type { Request } from './request.ts';

/**
 * Which answers stay the same until the site's configuration changes: rows made of names, groups and other configured columns only.
 * Everything else (states, times, counters) must always come from the site.
 */
const named = ['name', 'alias', 'display_name', 'notes', 'notes_url', 'action_url', 'icon_image'];
const host = [
  ...named,
  'address',
  'groups',
  'contacts',
  'contact_groups',
  'parents',
  'childs',
  'check_command',
  'check_period',
  'notification_period',
  'custom_variables',
  'custom_variable_names',
  'custom_variable_values',
  'labels',
  'tags',
  'filename',
];
const withPrefix = (prefix: string, columns: readonly string[]) => columns.map((column) => `${prefix}${column}`);
const everything = null;

/** By table; `null`: every column. */
const staticColumns: Readonly<Record<string, ReadonlySet<string> | null>> = {
  hosts: new Set([...host, ...withPrefix('host_', host), 'services']),
  services: new Set([...host, 'description', 'service_description', ...withPrefix('host_', host)]),
  hostgroups: new Set([...named, 'members']),
  servicegroups: new Set([...named, 'members']),
  contacts: new Set([
    ...named,
    'email',
    'pager',
    'can_submit_commands',
    'host_notification_period',
    'service_notification_period',
  ]),
  contactgroups: new Set([...named, 'members']),
  timeperiods: new Set(named),
  commands: new Set([...named, 'line']),
  columns: everything,
};

/** Tables with columns that do not change by themselves. */
export const staticTables: readonly string[] = Object.keys(staticColumns);

/** Headers that choose or shape rows by what is static, or do not touch them. */
const shaping = new Set([
  'OutputFormat',
  'ColumnHeaders',
  'ResponseHeader',
  'KeepAlive',
  'Limit',
  'Localtime',
  'AuthUser',
  'Separators',
  'Cache',
  'And',
  'Or',
  'Negate',
]);

/** May the answer be kept? `tables` are those that the operator allows. */
export function isCacheable(request: Request, tables: readonly string[]): boolean {
  if (request.method !== 'GET' || request.wait !== null || request.cache === 'off') return false;
  if (!tables.includes(request.table) || !Object.hasOwn(staticColumns, request.table)) return false;
  const known = staticColumns[request.table] ?? null;
  const isStatic = (column: string) => known === everything || known.has(column);
  let hasColumns = known === everything;
  for (const line of request.lines.slice(1)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    const words = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/);
    if (name === 'Columns') {
      hasColumns = true;
      if (!words.every(isStatic)) return false;
    } else if (name === 'Filter') {
      if (!isStatic(words[0] ?? '')) return false;
    } else if (!shaping.has(name)) return false;
  }
  return hasColumns;
}

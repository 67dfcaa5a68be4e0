import type { LivenessConfig } from './agent-config.ts';
import type { LivenessValues } from './liveness-schema.ts';

/** From the words of the file to those of the code, every path absolute. */
export function toLiveness(values: LivenessValues, place: (path: string, text: string) => string): LivenessConfig {
  const { inventory } = values;
  return {
    inventory: toSource(inventory, (text) => place('liveness', text)),
    mirror:
      values.mirror === undefined
        ? null
        : {
            url: values.mirror.url,
            passwordFile: values.mirror.password_file === undefined ? null : place('liveness', values.mirror.password_file),
          },
    livestatus:
      values.livestatus === undefined
        ? null
        : {
            socket: place('liveness', values.livestatus.socket),
            mode: Number.parseInt(values.livestatus.mode, 8),
            group: values.livestatus.group ?? null,
          },
    reloadMs: values.reload,
    partitions: values.partitions,
    reports: values.reports,
    compat: values.compat ?? null,
    judging: {
      slackMs: values.slack,
      firstReportMs: values.first_report,
      recoverAfter: values.recover_after,
      recoverAfterFlapping: values.recover_after_flapping,
    },
    announcing: {
      holdMs: values.compat === undefined ? values.hold : 0,
      stormHosts: values.storm_hosts,
      stormPercent: values.storm_percent,
      remindMs: values.remind,
    },
  };
}

function toSource(inventory: LivenessValues['inventory'], at: (text: string) => string): LivenessConfig['inventory'] {
  if (typeof inventory === 'string') return { kind: 'files', path: at(inventory) };
  if ('files' in inventory) return { kind: 'files', path: at(inventory.files) };
  if ('sql' in inventory) {
    const { sql: url, password_file, query, update = null } = inventory;
    return { kind: 'sql', url, passwordFile: password_file === undefined ? null : at(password_file), query, update };
  }
  return { kind: 'http', url: inventory.http, tokenFile: inventory.token_file === undefined ? null : at(inventory.token_file) };
}

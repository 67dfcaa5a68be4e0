import type { LivenessConfig } from './agent-config.ts';
import type { LivenessValues } from './liveness-schema.ts';

/** From the words of the file to those of the code, every path absolute. */
export function toLiveness(values: LivenessValues, place: (path: string, text: string) => string): LivenessConfig {
  const { inventory } = values;
  const files = typeof inventory === 'string' ? inventory : inventory.files;
  return {
    inventory: place('liveness', files),
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

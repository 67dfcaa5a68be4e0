import { noReadings } from '../../src/telemetry/readings.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';

/** The names of all series that `/metrics` can print, from the page itself: its TYPE lines stand there before anything was counted. */
export async function metricNames(): Promise<ReadonlySet<string>> {
  const telemetry = createTelemetry({ level: 'silent', agent: 'a' });
  const { text } = await telemetry.scrape(noReadings);
  const types = [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)];
  return new Set(
    types.flatMap(([, name = '', type]) => (type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name])),
  );
}

export function namesIn(text: string): readonly string[] {
  return [...new Set(text.match(/\bceilograph_[a-z0-9_]+/g) ?? [])];
}

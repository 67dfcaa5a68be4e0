import type { Sample } from '../../model/sample.ts';
import { metricName, volumeText } from '../metric.ts';

/** The exposition text of one group. Series stand by metric, as the format wants it; of two samples of one series the later wins. */
export function toExposition(samples: readonly Sample[]): string {
  const metrics = new Map<string, { readonly type: string | null; readonly series: Map<string, string> }>();
  for (const sample of samples) {
    const name = metricName(sample.name);
    // A delta is no counter and no gauge, so it has no type.
    const type = sample.type === 'cumulative' ? 'counter' : sample.type === 'gauge' ? 'gauge' : null;
    const metric = metrics.get(name) ?? { type, series: new Map<string, string>() };
    metrics.set(name, metric);
    const labels = ['resource_id', 'user_id', 'project_id'] as const;
    const text = labels.map((label) => `${label}="${escapeLabel(sample[label])}"`).join(', ');
    metric.series.set(`${name}{${text}}`, volumeText(sample));
  }
  let text = '';
  for (const [name, { type, series }] of metrics) {
    if (type !== null) text += `# TYPE ${name} ${type}\n`;
    for (const [labels, value] of series) text += `${labels} ${value}\n`;
  }
  return text;
}

/** Null is `None`, as Python prints it: a label that Ceilometer's users know. */
function escapeLabel(value: unknown): string {
  const text = value === null || value === undefined ? 'None' : String(value);
  return text.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`));
}

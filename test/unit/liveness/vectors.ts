/** The seven cases that the original was replayed with. Times in seconds. */
export interface Vector {
  readonly id: string;
  readonly services: Readonly<Record<string, number>>;
  readonly reports: readonly (readonly [at: number, service: string])[];
  readonly seconds: number;
}

export function regular(service: string, interval: number, from: number, to: number): (readonly [number, string])[] {
  const reports: [number, string][] = [];
  for (let at = from; at < to; at += interval) reports.push([at + 1, service]);
  return reports;
}

const both = { uptime: 30, cpu: 60 };

export const vectors: readonly Vector[] = [
  { id: 'A', services: both, reports: [...regular('uptime', 30, 0, 3000), ...regular('cpu', 60, 0, 3000)], seconds: 1500 },
  { id: 'B', services: both, reports: [...regular('uptime', 30, 0, 300), ...regular('cpu', 60, 0, 3000)], seconds: 900 },
  { id: 'C', services: both, reports: [...regular('uptime', 30, 0, 300), ...regular('cpu', 60, 0, 300)], seconds: 1000 },
  {
    id: 'D',
    services: both,
    reports: [...regular('uptime', 30, 0, 300), ...regular('uptime', 30, 700, 2000), ...regular('cpu', 60, 0, 2000)],
    seconds: 1600,
  },
  { id: 'E', services: both, reports: [], seconds: 700 },
  { id: 'F', services: both, reports: [...regular('uptime', 30, 100, 3000), ...regular('cpu', 60, 100, 3000)], seconds: 900 },
  {
    id: 'G',
    services: { uptime: 30, disk: 3600 },
    reports: [...regular('uptime', 30, 0, 9000), [1, 'disk']],
    seconds: 8000,
  },
];

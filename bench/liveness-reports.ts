export const perNotification = 500;
export const intervalMs = 60_000;
export const toleranceMs = 10_000;

const hostsPerFile = 20_000;

/** The texts of some files, since one may not be larger than a mebibyte. */
export function inventory(hosts: number, services: number): readonly string[] {
  const names = serviceNames(services).map((name) => `${name}: { interval: ${intervalMs}ms, tolerance: ${toleranceMs}ms }`);
  const texts = [`templates:\n  t: { services: { ${names.join(', ')} } }\ngroups:\n  all: { templates: [t] }\n`];
  for (let first = 0; first < hosts; first += hostsPerFile) {
    const lines = Array.from(
      { length: Math.min(hostsPerFile, hosts - first) },
      (_, i) => `  host-${first + i}: { groups: [all] }`,
    );
    texts.push(`hosts:\n${lines.join('\n')}\n`);
  }
  return texts;
}

function serviceNames(services: number): readonly string[] {
  return ['uptime', ...Array.from({ length: services - 1 }, (_, i) => `service-${i}`)];
}

interface Report {
  readonly host: string;
  readonly service: string;
}

/** What everybody reports in a minute, cut into notifications. */
export class Lots {
  readonly #lots: Report[][] = [];
  readonly #texts: string[] = [];
  #sent = 0;

  constructor(hosts: number, services: number) {
    const names = serviceNames(services);
    const perLot = Math.ceil(perNotification / services);
    for (let first = 0; first < hosts; first += perLot) {
      const members = Array.from({ length: Math.min(perLot, hosts - first) }, (_, i) => `host-${first + i}`);
      const reports = members.flatMap((host) => names.map((service) => ({ host, service })));
      this.#texts.push(JSON.stringify({ reports }));
      this.#lots.push(reports);
    }
  }

  get count(): number {
    return this.#lots.length;
  }

  notification(lot: number): string {
    this.#sent += 1;
    const timestamp = new Date().toISOString();
    const head = {
      message_id: `reports-${this.#sent}`,
      publisher_id: 'bench',
      event_type: 'ceilograph.reports',
      priority: 'INFO',
      timestamp,
    };
    return `${JSON.stringify(head).slice(0, -1)},"payload":${this.#texts[lot]}}`;
  }

  /** One service of the lot, not `uptime`, is not in it from now on: which, as `host/service`; null when one is silent already. */
  silence(lot: number): string | null {
    const reports = this.#lots[lot] ?? [];
    if (reports.length % 10 !== 0) return null;
    const [gone] = reports.splice(1, 1);
    if (gone === undefined) return null;
    this.#texts[lot] = JSON.stringify({ reports });
    return `${gone.host}/${gone.service}`;
  }
}

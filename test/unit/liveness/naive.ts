/**
 * The same promises written down the slow way: every second everybody is looked at, and nothing is remembered but when who was heard.
 * No wheel, no rows, no incidents.
 */
interface NaiveHost {
  services: Readonly<Record<string, number>>;
  from: number;
  last: Map<string, number>;
  late: Set<string>;
  toldLate: Set<string>;
  down: string | null;
  status: number;
}

const tolerance = 10;
const firstReport = 120;

export class Naive {
  readonly hosts = new Map<string, NaiveHost>();
  readonly told: string[] = [];
  resumed = 0;

  define(host: string, services: Readonly<Record<string, number>>, now: number): void {
    const known = this.hosts.get(host);
    if (known === undefined) {
      const fresh = {
        services,
        from: now,
        last: new Map(),
        late: new Set<string>(),
        toldLate: new Set<string>(),
        down: null,
        status: 0,
      };
      this.hosts.set(host, fresh);
      this.#look(host, now);
      return;
    }
    if (JSON.stringify(known.services) === JSON.stringify(services)) return;
    if (Object.keys(services).some((name) => !(name in known.services))) known.from = now;
    known.services = services;
    for (const name of known.last.keys()) if (!(name in services)) known.last.delete(name);
    for (const name of known.late) if (!(name in services)) known.late.delete(name);
    this.#look(host, now);
  }

  remove(host: string): void {
    const gone = this.hosts.get(host);
    if (gone === undefined) return;
    if (gone.down !== null) this.told.push(`up ${host}`);
    for (const service of gone.toldLate) this.told.push(`back ${host} ${service}`);
    this.hosts.delete(host);
  }

  report(host: string, service: string, now: number): void {
    const known = this.hosts.get(host);
    if (known === undefined || !(service in known.services)) return;
    known.last.set(service, now);
    known.late.delete(service);
    this.#look(host, now);
  }

  tick(now: number): void {
    for (const host of this.hosts.keys()) this.#look(host, now);
  }

  #look(name: string, now: number): void {
    const host = this.hosts.get(name) as NaiveHost;
    const services = Object.keys(host.services);
    for (const service of services) {
      const last = host.last.get(service);
      const allowed = (host.services[service] as number) + tolerance;
      const since = Math.max(last ?? 0, host.from, this.resumed);
      if (now - since > (last === undefined ? Math.max(allowed, firstReport) : allowed)) host.late.add(service);
    }
    const wasDown = host.down !== null;
    host.down = this.#downReason(host);
    if (wasDown && host.down === null) {
      host.from = now;
      for (const service of host.late) if (!host.toldLate.has(service)) host.late.delete(service);
      this.told.push(`up ${name}`);
    }
    for (const service of host.toldLate) {
      if (host.late.has(service)) continue;
      host.toldLate.delete(service);
      this.told.push(`back ${name} ${service}`);
    }
    if (host.down !== null && !wasDown) this.told.push(`down ${name} ${host.down}`);
    if (host.down === null) {
      for (const service of host.late) {
        if (host.toldLate.has(service)) continue;
        host.toldLate.add(service);
        this.told.push(`late ${name} ${service}`);
      }
    }
    host.status =
      host.down !== null ? (host.down === 'uptime_late' ? 3 : 5) : host.late.size > 0 ? 5 : host.last.size > 0 ? 1 : 0;
  }

  #downReason(host: NaiveHost): string | null {
    if (host.late.size === 0) return null;
    if (host.last.size === 0) return 'never_reported';
    if (host.late.has('uptime')) return host.last.has('uptime') ? 'uptime_late' : null;
    const others = Object.keys(host.services).filter((name) => name !== 'uptime');
    const all = host.last.has('uptime') && others.length >= 2 && others.every((name) => host.late.has(name));
    return all ? 'all_services_late' : null;
  }
}

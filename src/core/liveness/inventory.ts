import { aliveService, type HostDefinition, type ServiceDefinition, type TriggerDefinition } from './host-definition.ts';
import { shared } from './intern.ts';
import type { InventoryFile } from './inventory-schema.ts';

export interface Inventory {
  readonly hosts: ReadonlyMap<string, HostDefinition>;
  /** Hosts per first group. */
  readonly groups: Readonly<Record<string, number>>;
}

/** Something that does not fit together; `file` is the place of the file in what was handed in. */
export interface InventoryProblem {
  readonly file: number;
  readonly path: readonly string[];
  readonly message: string;
}

type Template = InventoryFile['templates'][string];
interface WrittenService {
  readonly interval?: number | undefined;
  readonly tolerance?: number | undefined;
  readonly down_after?: number | undefined;
  readonly enabled?: boolean | undefined;
}

const defaults = { intervalMs: 60_000, toleranceMs: 10_000, downAfter: 1 } as const;

/** The template that comes with the product: being there, every half minute. A file may have another of this name. */
const baseTemplate: Template = { services: { [aliveService]: { interval: 30_000, tolerance: 10_000 } }, triggers: {} };

/**
 * What is expected of each host: the templates of its groups in their order, then its own, then what is written at the host. Services and
 * triggers meet by name; where two say something, the later one counts, field by field at the host and as a whole before.
 */
export function mergeInventory(files: readonly InventoryFile[]): {
  readonly inventory: Inventory;
  readonly problems: readonly InventoryProblem[];
} {
  const merging = new Merging(files);
  const hosts = new Map<string, HostDefinition>();
  const groups: Record<string, number> = {};
  files.forEach((file, index) => {
    for (const [name, host] of Object.entries(file.hosts)) {
      const definition = merging.host(index, name, host);
      if (definition === null) continue;
      hosts.set(name, definition);
      const [first] = definition.groups;
      if (first !== undefined) groups[first] = (groups[first] ?? 0) + 1;
    }
  });
  return { inventory: { hosts, groups }, problems: merging.problems };
}

class Merging {
  readonly problems: InventoryProblem[] = [];
  readonly #templates = new Map<string, Template>([['base', baseTemplate]]);
  readonly #groups = new Map<string, InventoryFile['groups'][string]>();
  readonly #hosts = new Set<string>();

  constructor(files: readonly InventoryFile[]) {
    files.forEach((file, index) => {
      for (const kind of ['templates', 'groups', 'hosts'] as const) {
        for (const name of Object.keys(file[kind])) {
          if (files.slice(0, index).some((earlier) => Object.hasOwn(earlier[kind], name)))
            this.problems.push({ file: index, path: [kind, name], message: `"${name}" is also in an earlier file` });
        }
      }
      for (const [name, template] of Object.entries(file.templates)) this.#templates.set(name, template);
      for (const [name, group] of Object.entries(file.groups)) this.#groups.set(name, group);
      for (const name of Object.keys(file.hosts)) this.#hosts.add(name);
    });
    files.forEach((file, index) => {
      for (const [name, group] of Object.entries(file.groups))
        this.#known(index, ['groups', name, 'templates'], group.templates, this.#templates, 'template');
    });
  }

  /** Null for a host that is switched off. */
  host(file: number, name: string, host: InventoryFile['hosts'][string]): HostDefinition | null {
    const at = ['hosts', name];
    this.#known(file, [...at, 'groups'], host.groups, this.#groups, 'group');
    this.#known(file, [...at, 'templates'], host.templates, this.#templates, 'template');
    this.#known(file, [...at, 'parents'], host.parents, this.#hosts, 'host');
    if (!host.enabled) return null;
    const groups = host.groups.filter((group) => this.#groups.get(group)?.enabled !== false);
    const names = [...groups.flatMap((group) => this.#groups.get(group)?.templates ?? []), ...host.templates];
    const templates = names.flatMap((each) => this.#templates.get(each) ?? []);
    const services = shared(mergedServices(templates, host.services));
    const triggers = shared(mergedTriggers(templates, host.triggers));
    const known = new Set(services.map((service) => service.name));
    for (const { id, service } of triggers)
      if (!known.has(service))
        this.problems.push({
          file,
          path: at,
          message: `trigger "${id}" looks at the service "${service}", which it does not have`,
        });
    const maintenance = host.maintenance.map(({ from, until, reason }) => ({
      from: Date.parse(from),
      until: Date.parse(until),
      reason,
    }));
    const lists = { groups: shared(groups), parents: shared(host.parents), services, triggers, maintenance: shared(maintenance) };
    return { host: name, address: host.address, ...lists };
  }

  #known(
    file: number,
    path: readonly string[],
    names: readonly string[],
    all: { has(name: string): boolean },
    what: string,
  ): void {
    for (const name of names) if (!all.has(name)) this.problems.push({ file, path, message: `there is no ${what} "${name}"` });
  }
}

function mergedServices(
  templates: readonly Template[],
  own: InventoryFile['hosts'][string]['services'],
): readonly ServiceDefinition[] {
  const services = new Map<string, WrittenService>();
  for (const template of templates)
    for (const [name, service] of Object.entries(template.services)) services.set(name, service ?? {});
  for (const [name, service] of Object.entries(own)) services.set(name, { ...services.get(name), ...given(service ?? {}) });
  return [...services]
    .filter(([, { enabled }]) => enabled !== false)
    .map(([name, { interval, tolerance, down_after }]) => ({
      name,
      intervalMs: interval ?? defaults.intervalMs,
      toleranceMs: tolerance ?? defaults.toleranceMs,
      downAfter: down_after ?? defaults.downAfter,
    }));
}

function given(service: WrittenService): WrittenService {
  return Object.fromEntries(Object.entries(service).filter(([, value]) => value !== undefined)) as WrittenService;
}

function mergedTriggers(
  templates: readonly Template[],
  own: InventoryFile['hosts'][string]['triggers'],
): readonly TriggerDefinition[] {
  const triggers = new Map<string, Template['triggers'][string]>();
  for (const from of [...templates.map((template) => template.triggers), own])
    for (const [id, trigger] of Object.entries(from)) triggers.set(id, trigger);
  return [...triggers]
    .filter(([, { enabled }]) => enabled)
    .map(([id, { service, expression, recovery, severity }]) => ({
      id,
      service,
      expression,
      recovery: recovery ?? null,
      severity,
    }));
}

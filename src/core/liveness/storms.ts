interface StormSettings {
  readonly stormHosts: number;
  readonly stormPercent: number;
}

export interface JudgedStorms {
  /** `*`: of no group in particular. */
  readonly storms: readonly { readonly group: string; readonly hosts: readonly string[] }[];
  readonly single: readonly string[];
}

/**
 * Which of the hosts that went down together are one matter: all of them when they are many of all there are, else those of each group of which
 * many are down. Many: `stormHosts`, and `stormPercent` hundredths of what there is.
 */
export function judgeStorms(
  down: readonly (readonly [host: string, group: string])[],
  fleet: { readonly total: number; readonly groups: Readonly<Record<string, number>> },
  settings: StormSettings,
): JudgedStorms {
  const isMany = (count: number, of: number) => count >= Math.max(settings.stormHosts, (of * settings.stormPercent) / 100);
  if (isMany(down.length, fleet.total)) {
    const groups = new Set(down.map(([, group]) => group));
    const [only] = groups;
    const group = groups.size === 1 && only !== undefined && only !== '' ? only : '*';
    return { storms: [{ group, hosts: down.map(([host]) => host) }], single: [] };
  }
  const storms: { group: string; hosts: string[] }[] = [];
  const single: string[] = [];
  for (const [group, members] of grouped(down, ([, each]) => each)) {
    const hosts = members.map(([host]) => host);
    if (group !== '' && isMany(hosts.length, fleet.groups[group] ?? 0)) storms.push({ group, hosts });
    else single.push(...hosts);
  }
  return { storms, single };
}

/** In the order of their first members. */
export function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const members = groups.get(keyOf(item));
    if (members === undefined) groups.set(keyOf(item), [item]);
    else members.push(item);
  }
  return groups;
}

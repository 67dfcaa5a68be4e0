import { access, readdir } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import type { CeilometerConf } from './conf.ts';

/** The definitions beside the pipelines; empty: those that come with the product. */
export interface DefinitionPaths {
  readonly meters: readonly string[];
  readonly events: readonly string[];
}

/** Of meters the folders that ceilometer.conf names, else `meters.d`, else the old `meters.yaml`; of events one file. */
export async function definitionsIn(dir: string, conf: CeilometerConf | null): Promise<DefinitionPaths> {
  const place = (path: string) => (isAbsolute(path) ? path : join(dir, path));
  const folders = conf === null || conf.files.meterDirs.length === 0 ? [join(dir, 'meters.d')] : conf.files.meterDirs.map(place);
  const meters: string[] = [];
  for (const folder of folders) {
    if (!(await exists(folder))) continue;
    const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
    meters.push(...names.map((name) => join(folder, name)));
  }
  if (meters.length === 0 && (await exists(join(dir, 'meters.yaml')))) meters.push(join(dir, 'meters.yaml'));
  const events = place(conf?.files.eventDefinitions ?? 'event_definitions.yaml');
  return { meters: meters.map((file) => resolve(file)), events: (await exists(events)) ? [resolve(events)] : [] };
}

export async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

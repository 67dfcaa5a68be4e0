import { dirname, resolve } from 'node:path';
import { parseAt, plain, withoutEmpty } from '../../config/explain.ts';
import { ConfigError } from '../../config/problem.ts';
import { readYamlFile } from '../../config/read-file.ts';
import { LiveproxyFile } from '../../services/livestatus-proxy/schema.ts';
import { type LiveproxySettings, toSettings } from '../../services/livestatus-proxy/to-settings.ts';

/** Throws a `ConfigError` with the line of everything that is wrong. */
export async function loadLiveproxy(file: string): Promise<LiveproxySettings> {
  const { document, problems } = await readYamlFile(file);
  if (document === null || problems.length > 0) throw new ConfigError(problems);
  const found = [...problems];
  const values = parseAt(LiveproxyFile, withoutEmpty(plain(document.value)), document, [], found);
  if (values === undefined) throw new ConfigError(found);
  return toSettings(values, dirname(resolve(file)));
}

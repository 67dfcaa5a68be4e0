import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseAt, plain, withoutEmpty } from '../../config/explain.ts';
import { ConfigError, formatPath } from '../../config/problem.ts';
import { readYamlFile } from '../../config/read-file.ts';
import { Fault } from '../../model/faults.ts';
import { omdPaths, readConfiguration } from '../../services/livestatus-proxy/omd.ts';
import { LiveproxyFile } from '../../services/livestatus-proxy/schema.ts';
import { type LiveproxySettings, toSettings } from '../../services/livestatus-proxy/to-settings.ts';
import { CliFailure } from '../failure.ts';

/** Where the settings are: a YAML file of ours, or the root of an OMD site with its `liveproxy.mk`. */
export interface Source {
  readonly config?: string;
  readonly omd?: string;
}

/** Descriptors beside those of sites: log, pid and state files, listeners being replaced, the runtime's own. */
const otherDescriptors = 64;

/** Throws a `ConfigError` with the place of everything that is wrong, a `Fault` when the machine allows too few open files. */
export async function loadLiveproxy({ config, omd }: Source): Promise<LiveproxySettings> {
  if ((config === undefined) === (omd === undefined)) throw new CliFailure('expected either --config FILE or --omd ROOT', 2);
  const settings = omd === undefined ? await fromYaml(config as string) : await fromOmd(resolve(omd));
  await requireDescriptors(settings);
  return settings;
}

async function fromYaml(file: string): Promise<LiveproxySettings> {
  const { document, problems } = await readYamlFile(file);
  if (document === null || problems.length > 0) throw new ConfigError(problems);
  const found = [...problems];
  const values = parseAt(LiveproxyFile, withoutEmpty(plain(document.value)), document, [], found);
  if (values === undefined) throw new ConfigError(found);
  return toSettings(values, dirname(resolve(file)));
}

async function fromOmd(root: string): Promise<LiveproxySettings> {
  const read = LiveproxyFile.safeParse(await readConfiguration(root));
  if (read.success) return toSettings(read.data, root);
  const file = resolve(root, omdPaths.configuration);
  throw new ConfigError(
    read.error.issues.map(({ path, message }) => ({ file, line: 0, column: 0, path: formatPath(path), message, hint: null })),
  );
}

/**
 * Channels that cannot be opened show as dead sites in the middle of the night: better told at the start. Clients come on top; half of
 * what is left must do for them.
 */
async function requireDescriptors({ sites }: LiveproxySettings): Promise<void> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => ''); // not Linux: nothing to compare with
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  const needed = otherDescriptors + sites.reduce((sum, site) => sum + site.channels.channels + 3, 0);
  if (needed * 2 <= limit || needed <= otherDescriptors + 13) return;
  throw new Fault(
    'fatal',
    'too_few_descriptors',
    `${sites.length} sites need ${needed} open files and as many for their clients, this process may have ${limit}: raise LimitNOFILE, or lower number_of_channels`,
  );
}

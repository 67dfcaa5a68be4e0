import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { AgentConfig } from '../config/agent-config.ts';
import { parseAt, plain, withoutEmpty } from '../config/explain.ts';
import { ConfigError, formatPath, type Problem } from '../config/problem.ts';
import { readYamlFile } from '../config/read-file.ts';
import { Fault } from '../model/faults.ts';
import { omdPaths, readConfiguration } from '../services/livestatus-proxy/omd.ts';
import { LiveproxyFile } from '../services/livestatus-proxy/schema.ts';
import { type LiveproxySettings, toSettings } from '../services/livestatus-proxy/to-settings.ts';

/** Where the settings are: a YAML file of ours, or the root of an OMD site with its `liveproxy.mk`. */
export type LiveproxySource = { readonly config: string } | { readonly omd: string };

/** Descriptors beside those of sites: log, pid and state files, listeners being replaced, the runtime's own. */
const otherDescriptors = 64;

/** Throws a `ConfigError` with the place of everything that is wrong, a `Fault` when the machine allows too few open files. */
export async function loadLiveproxy(source: LiveproxySource): Promise<LiveproxySettings> {
  const settings = 'config' in source ? await fromYaml(source.config) : await fromOmd(resolve(source.omd));
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

/** What keeps the proxy of an agent from starting, with its place; nothing when there is none. */
export async function liveproxyProblems({ liveproxy }: Pick<AgentConfig, 'liveproxy'>): Promise<readonly Problem[]> {
  if (liveproxy === null) return [];
  try {
    await loadLiveproxy({ config: liveproxy });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    return [{ file: liveproxy, line: 0, column: 0, path: '', message: (error as Error).message, hint: null }];
  }
}

import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Literal, printLiteral, readAssignments } from '../../core/livestatus/python-literal.ts';
import { readSites, type SitesRead } from '../../core/livestatus/sites-mk.ts';
import { PythonSyntaxError } from '../../core/python/literal.ts';
import { replaceFile } from '../../lib/replace-file.ts';
import { Fault } from '../../model/faults.ts';

/** The places below the root of an OMD site. */
export const omdPaths = {
  sites: 'etc/check_mk/multisite.d/sites.mk',
  configuration: 'etc/check_mk/liveproxy.mk',
  multisite: 'etc/check_mk/multisite.d/liveproxy.mk',
  runDir: 'tmp/run',
  localSocket: 'tmp/run/live',
  pidFile: 'tmp/run/liveproxyd.pid',
  stateFile: 'var/log/liveproxyd.state',
  logFile: 'var/log/livepd.log',
} as const;

const maxBytes = 16 * 1024 * 1024;

/**
 * Takes the sites that want the proxy from `sites.mk` and writes `liveproxy.mk`, which is what the proxy reads, and the line that tells
 * Multisite to use it. Throws a fatal Fault with file and line when `sites.mk` is not plain assignments.
 */
export async function enable(root: string): Promise<SitesRead> {
  const file = join(root, omdPaths.sites);
  const sites = (await readMk(file)).get('sites');
  if (sites === undefined) throw new Fault('fatal', 'no_sites', `${file} assigns no sites`);
  const read = readSites(sites, join(root, omdPaths.localSocket));
  const written = new Map(read.proxied.map(({ id, values }) => [id, fromPlain(values)] as const));
  await write(root, omdPaths.configuration, `# Written from multisite.d/sites.mk.\nsites = ${printLiteral(written)}\n`);
  await write(root, omdPaths.multisite, 'liveproxy = True\n');
  return read;
}

/** Tells Multisite that there is no proxy any more. */
export async function disable(root: string): Promise<void> {
  await write(root, omdPaths.multisite, 'liveproxy = False\n');
}

/** What `liveproxy.mk` says, as the YAML file would. */
export async function readConfiguration(root: string): Promise<Readonly<Record<string, unknown>>> {
  const names = await readMk(join(root, omdPaths.configuration));
  return {
    run_dir: join(root, omdPaths.runDir),
    state_file: join(root, omdPaths.stateFile),
    pid_file: join(root, omdPaths.pidFile),
    log_file: join(root, omdPaths.logFile),
    sites: toPlain(names.get('sites') ?? new Map()),
  };
}

async function readMk(file: string): Promise<ReadonlyMap<string, Literal>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const remedy = error.code === 'ENOENT' ? 'no such file; is this the root of an OMD site?' : error.message;
    throw new Fault('fatal', 'unreadable_file', `${file}: ${remedy}`, { cause: error });
  });
  if (text.length > maxBytes) throw new Fault('fatal', 'unreadable_file', `${file}: larger than ${maxBytes} bytes`);
  try {
    return readAssignments(text);
  } catch (error) {
    if (!(error instanceof PythonSyntaxError)) throw error;
    throw new Fault('fatal', 'bad_python_literal', `${file}:${error.line} ${error.message}`, { cause: error });
  }
}

async function write(root: string, path: string, text: string): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await replaceFile(file, text);
}

function toPlain(value: Literal): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [String(key), toPlain(member)]));
  return Array.isArray(value) ? value.map(toPlain) : value;
}

function fromPlain(value: unknown): Literal {
  if (value instanceof Map) return value;
  if (Array.isArray(value)) return value.map(fromPlain);
  if (typeof value !== 'object' || value === null) return value as Literal;
  return new Map(Object.entries(value).map(([key, member]) => [key, fromPlain(member)]));
}

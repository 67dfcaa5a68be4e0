import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectDir } from '../../run/program.ts';

const execute = promisify(execFile);

const cacheDir = join(projectDir, 'node_modules/.cache/ceilograph-peers');
const venvMs = 60_000;
const installMs = 480_000;

/** The versions we are held to; another one gets a folder of its own. */
export const requirements = {
  oslo: 'oslo.messaging==18.3.1',
  ceilometer: 'ceilometer==27.0.0',
  gnocchi: 'gnocchi[postgresql]==4.7.1',
  aiosmtpd: 'aiosmtpd==1.4.6',
} as const;

/**
 * The folder of a virtual environment that has this package, made once and kept beside the other caches. It appears under its name only
 * when it is complete, so two runs at once and one that was interrupted do no harm. Throws when it cannot be had: what could not be
 * tried must not look green.
 */
export async function virtualEnvironment(requirement: string): Promise<string> {
  const home = join(cacheDir, requirement);
  if (existsSync(join(home, 'bin/python'))) return home;
  await mkdir(cacheDir, { recursive: true });
  const fresh = await mkdtemp(join(cacheDir, 'new-'));
  try {
    await makeEmpty(fresh);
    // As a module: the script `pip` has the folder's first name written into it.
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', requirement];
    await execute(join(fresh, 'bin/python'), pip, { timeout: installMs });
    await rename(fresh, home).catch((error: unknown) => {
      if (!existsSync(home)) throw error; // somebody else was faster
    });
  } catch (error) {
    throw new Error(`no Python with ${requirement}: it needs python3 with venv, and a package index`, { cause: error });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return home;
}

/** Debian has `venv` in a package of its own; as the servers of the tests, it is installed when we are root. */
async function makeEmpty(folder: string): Promise<void> {
  const make = () => execute('python3', ['-m', 'venv', folder], { timeout: venvMs });
  try {
    await make();
  } catch (error) {
    if (process.getuid?.() !== 0) throw error;
    await execute('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'python3-venv'], { timeout: installMs });
    await make();
  }
}

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectDir } from '../../run/program.ts';

const execute = promisify(execFile);

/** The version we are held to; another one gets a folder of its own. */
const requirement = 'oslo.messaging==18.3.1';
const cacheDir = join(projectDir, 'node_modules/.cache/ceilograph-peers');
const venvMs = 60_000;
const installMs = 240_000;

/**
 * The Python that has oslo.messaging, in a virtual environment that is made once and kept beside the other caches. It appears under
 * its name only when it is complete, so two runs at once and one that was interrupted do no harm. Throws when it cannot be had: what
 * could not be tried must not look green.
 */
export async function osloPython(): Promise<string> {
  const home = join(cacheDir, requirement);
  const python = join(home, 'bin/python');
  if (existsSync(python)) return python;
  await mkdir(cacheDir, { recursive: true });
  const fresh = await mkdtemp(join(cacheDir, 'new-'));
  try {
    await makeEmpty(fresh);
    // As a module: the script `pip` has the folder's first name written into it.
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', requirement];
    await execute(join(fresh, 'bin/python'), pip, { timeout: installMs });
    await rename(fresh, home).catch((error: unknown) => {
      if (!existsSync(python)) throw error; // somebody else was faster
    });
  } catch (error) {
    throw new Error(`no Python with ${requirement}: it needs python3 with venv, and a package index`, { cause: error });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return python;
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

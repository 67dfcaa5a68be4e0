import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Fault } from '../model/faults.ts';

/** A file that the configuration names (certificate, secret), relative to it. Not readable: fatal, nothing will heal it. */
export async function readConfigured(path: string, baseDir: string | undefined): Promise<string> {
  const full = resolve(baseDir ?? '.', path);
  try {
    return await readFile(full, 'utf8');
  } catch (error) {
    throw new Fault('fatal', 'unreadable_file', `cannot read ${full}`, { cause: error });
  }
}

/** The one secret in a file, without the newline editors put at its end. An empty one is fatal: it would open the door. */
export async function readSecret(path: string, baseDir: string | undefined): Promise<string> {
  const secret = (await readConfigured(path, baseDir)).trim();
  if (secret === '') throw new Fault('fatal', 'empty_secret', `${resolve(baseDir ?? '.', path)} holds no secret`);
  return secret;
}

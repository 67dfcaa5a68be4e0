import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Fault } from '../model/faults.ts';

/** A file that the configuration names (certificate, secret), relative to it. Not readable: fatal, nothing will heal it. */
export async function readConfigured(path: string, baseDir: string): Promise<string> {
  try {
    return await readFile(resolve(baseDir, path), 'utf8');
  } catch (error) {
    throw new Fault('fatal', 'unreadable_file', `cannot read ${resolve(baseDir, path)}`, { cause: error });
  }
}

import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Throws what would keep a file at `path` from being opened or created, and leaves nothing behind: it asks for the file itself, or else for
 * the nearest folder above it that exists.
 */
export async function wouldTake(path: string): Promise<void> {
  if (await mayWrite(path, 'file')) return;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (await mayWrite(folder, 'folder')) return;
    if (folder === dirname(folder)) return; // the root is there
  }
}

/** False when nothing is there. */
async function mayWrite(path: string, kind: 'file' | 'folder'): Promise<boolean> {
  const { R_OK, W_OK, X_OK } = constants;
  try {
    const found = await stat(path);
    if (found.isDirectory() !== (kind === 'folder')) {
      const [code, what] = kind === 'folder' ? ['ENOTDIR', 'is no folder'] : ['EISDIR', 'is a folder'];
      throw Object.assign(new Error(`${path} ${what}`), { code });
    }
    await access(path, kind === 'folder' ? W_OK | X_OK : R_OK | W_OK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

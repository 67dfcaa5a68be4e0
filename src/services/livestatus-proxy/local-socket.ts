import { chmod, chown, lstat, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { Fault } from '../../model/faults.ts';
import type { LocalSocket } from './settings.ts';

/** `sun_path` of Linux has 108 bytes, the last of them a zero; a longer path is cut without a word by some libraries. */
const maxPathBytes = 107;
/** Ours must fit as well. */
const temporary = (path: string) => join(dirname(path), `.${process.pid}.${basename(path).slice(0, 4)}`);

export interface OpenSocket {
  readonly server: Server;
  /** Takes no more clients. The file goes, unless another process has put its own there meanwhile. */
  close(): Promise<void>;
}

/**
 * Listens on a UNIX socket. Mode and owner are right before the path exists: it listens under another name first and is renamed, which
 * also replaces a file that a dead process left behind. Throws a fatal Fault when the path is too long, is no socket, or answers.
 */
export async function openLocalSocket(socket: LocalSocket, onClient: (client: Socket) => void): Promise<OpenSocket> {
  const { path, mode } = socket;
  const draft = temporary(path);
  for (const name of [path, draft]) {
    const bytes = Buffer.byteLength(name);
    if (bytes > maxPathBytes)
      throw refused(path, `its name has ${bytes} bytes, a socket may have ${maxPathBytes}; use a shorter run_dir or site name`);
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await requireFree(path);
  await rm(draft, { force: true });
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: false }, onClient);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(refused(path, error.message, error)));
    server.listen({ path: draft, backlog: 511 }, resolve);
  });
  try {
    await chmod(draft, mode);
    if (socket.user !== null || socket.group !== null)
      await chown(
        draft,
        await idOf('passwd', socket.user, process.getuid?.()),
        await idOf('group', socket.group, process.getgid?.()),
      );
    await rename(draft, path);
  } catch (error) {
    server.close();
    throw error instanceof Fault ? error : refused(path, (error as Error).message, error);
  }
  const own = (await lstat(path)).ino;
  return { server, close: () => close(server, path, own) };
}

async function close(server: Server, path: string, own: number): Promise<void> {
  server.close();
  const there = await lstat(path).catch(() => null);
  if (there?.ino === own) await rm(path, { force: true });
}

/** A socket that nobody listens on is a leftover; anything else at that place is not ours to remove. */
async function requireFree(path: string): Promise<void> {
  const there = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw refused(path, error.message, error);
  });
  if (there === null) return;
  if (!there.isSocket()) throw refused(path, 'there is a file of that name that is no socket; move it away');
  const code = await new Promise<string | undefined>((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => resolve(probe.destroy() && undefined));
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return;
  if (code === undefined) throw refused(path, 'another process answers there; stop it first');
  throw refused(path, `cannot tell whether somebody answers there: ${code}`);
}

/** A user's or group's number from the machine's own lists. */
async function idOf(list: 'passwd' | 'group', name: string | null, own = -1): Promise<number> {
  if (name === null) return own;
  if (/^\d+$/.test(name)) return Number(name);
  const lines = (await readFile(`/etc/${list}`, 'utf8')).split('\n');
  const line = lines.find((each) => each.startsWith(`${name}:`));
  if (line === undefined) throw refused(name, `no such ${list === 'group' ? 'group' : 'user'} on this machine`);
  return Number(line.split(':')[2]);
}

function refused(path: string, why: string, cause?: unknown): Fault {
  return new Fault('fatal', 'cannot_listen', `${path}: ${why}`, cause === undefined ? {} : { cause });
}

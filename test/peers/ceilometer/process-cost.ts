import { readdir, readFile } from 'node:fs/promises';

const ticksPerSecond = 100;

/** CPU seconds of a process, its children, theirs, and those of them that have ended. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return 0; // ended meanwhile; whoever waited for it has its time
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond;
  const children = await childrenOf(pid);
  const theirs = await Promise.all(children.map(cpuSecondsOf));
  return theirs.reduce((sum, seconds) => sum + seconds, own);
}

async function childrenOf(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')));
  return lists
    .join(' ')
    .split(/\s+/)
    .filter((each) => each !== '')
    .map(Number);
}

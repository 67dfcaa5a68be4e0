import { spawnSync } from 'node:child_process';
import { appendFile, link, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { processOwner } from '../../../src/lib/process-owner.ts';
import { makeBatch } from '../../../src/pipeline/batch.ts';
import { file } from '../../../src/publishers/file/index.ts';
import { rotate } from '../../../src/publishers/file/rotation.ts';
import { FileSchema } from '../../../src/publishers/file/schema.ts';
import type { Publisher } from '../../../src/publishers/publisher.ts';
import { codec, sample } from '../pipeline-lane/rig.ts';

const never = new AbortController().signal;

describe('the file publisher', () => {
  let directory: string;
  let path: string;
  const open: Publisher[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'file-'));
    path = join(directory, 'out.jsonl');
  });
  afterEach(async () => {
    for (const publisher of open.splice(0)) await publisher.close();
    await rm(directory, { recursive: true });
  });

  const openFile = async (options: Record<string, unknown> = {}, onlyToProbe = false) => {
    const context = {
      onlyToProbe,
      name: 'f',
      sink: 's',
      kind: 'samples',
      clock: systemClock,
      random: Math.random,
      baseDir: directory,
    } as const;
    const publisher = await file.open(FileSchema.parse({ path: 'out.jsonl', ...options }), context);
    open.push(publisher);
    return publisher;
  };
  const publish = (publisher: Publisher, ids: readonly string[], replay = false) =>
    publisher.publish(
      makeBatch(
        ids.map((id) => sample(id)),
        codec,
        replay,
      ),
      never,
    );
  const idsIn = async (name = 'out.jsonl') => {
    const text = await readFile(join(directory, name), 'utf8');
    expect(text === '' || text.endsWith('\n')).toBe(true);
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { id: string }).id);
  };
  const lineBytes = codec.lines([sample('a')]).length;

  it('takes a device for a file that keeps nothing, also when a batch comes again', async () => {
    const publisher = await openFile({ path: '/dev/null' });

    await publish(publisher, ['a']);
    await publish(publisher, ['a', 'b'], true);
  });

  it('asks for patience where the disk is full', async () => {
    const publisher = await openFile({ path: '/dev/full' });

    await expect(publish(publisher, ['a'])).rejects.toMatchObject({ class: 'retryable', code: 'enospc' });
    await expect(publish(publisher, ['a'], true)).rejects.toMatchObject({ class: 'retryable', code: 'enospc' });
  });

  it('repairs a torn last line, whatever was cut, and loses no line before or after it', async () => {
    const whole = codec.lines([sample('x')]);
    for (const length of [1, 2, 20, whole.length - 2]) {
      await writeFile(path, codec.lines([sample('a')]) + whole.slice(0, length));
      const publisher = await openFile();
      await publish(publisher, ['b']);
      expect(await idsIn()).toEqual(['a', 'b']);
    }
  });

  it('repairs a torn line that is longer than what it reads at once', async () => {
    await writeFile(path, `${codec.lines([sample('a')])}{"id":"${'x'.repeat(200_000)}`);

    await publish(await openFile(), ['b']);

    expect(await idsIn()).toEqual(['a', 'b']);
  });

  it('gives an end to a whole line that has none', async () => {
    await writeFile(path, codec.lines([sample('a')]).trimEnd());

    await publish(await openFile(), ['b']);

    expect(await idsIn()).toEqual(['a', 'b']);
  });

  it('repairs the line that another process tore while we run', async () => {
    const publisher = await openFile();
    await publish(publisher, ['a']);
    await appendFile(path, `${codec.lines([sample('b')])}{"torn`);

    await publish(publisher, ['c']);

    expect(await idsIn()).toEqual(['a', 'b', 'c']);
  });

  it('writes no line twice when a batch comes again after a crash, wherever the crash was', async () => {
    const ids = ['a', 'b', 'c'];
    const text = codec.lines(ids.map((id) => sample(id)));
    for (const written of [0, 10, lineBytes, lineBytes + 5, 2 * lineBytes, text.length - 1, text.length]) {
      await writeFile(path, text.slice(0, written));

      const publisher = await openFile();
      await publish(publisher, ids, true);
      await publish(publisher, ids, true);

      expect((await idsIn()).sort()).toEqual(ids);
    }
  });

  it('finds what was written before a rotation', async () => {
    const publisher = await openFile({ max_bytes: lineBytes * 2 });
    await publish(publisher, ['a', 'b']);
    await publish(publisher, ['c']);

    await publish(publisher, ['b', 'c', 'd'], true);

    expect([await idsIn('out.jsonl.1'), await idsIn()]).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('sees what another process wrote between two repetitions', async () => {
    const [one, two] = [await openFile(), await openFile()];
    await publish(one, ['a'], true);
    await publish(two, ['b']);

    await publish(one, ['a', 'b', 'c'], true);

    expect(await idsIn()).toEqual(['a', 'b', 'c']);
  });

  it('keeps every line whole and in place when several append and rotate at once', async () => {
    const writers = await Promise.all(
      Array.from({ length: 4 }, () => openFile({ max_bytes: lineBytes * 40, backup_count: 999 })),
    );
    const expected: string[] = [];
    await Promise.all(
      writers.map(async (writer, w) => {
        for (let b = 0; b < 30; b++) {
          const ids = Array.from({ length: 7 }, (_, i) => `${w}-${b}-${i}`);
          expected.push(...ids);
          await publish(writer, ids);
        }
      }),
    );

    const found: string[] = [];
    const names = await readdir(directory);
    for (const name of names) found.push(...(await idsIn(name)));
    expect(names.length).toBeGreaterThan(2);
    expect(found.sort()).toEqual(expected.sort());
  });

  it('keeps as many rotated files as configured, the newest first', async () => {
    const publisher = await openFile({ max_bytes: 1, backup_count: 2 });

    for (const id of ['a', 'b', 'c', 'd', 'e']) await publish(publisher, [id]);

    expect((await readdir(directory)).sort()).toEqual(['out.jsonl', 'out.jsonl.1', 'out.jsonl.2']);
    expect([await idsIn(), await idsIn('out.jsonl.1'), await idsIn('out.jsonl.2')]).toEqual([['e'], ['d'], ['c']]);
  });

  it('rotates with one kept file too', async () => {
    const publisher = await openFile({ max_bytes: 1, backup_count: 1 });

    for (const id of ['a', 'b', 'c']) await publish(publisher, [id]);

    expect([await idsIn(), await idsIn('out.jsonl.1')]).toEqual([['c'], ['b']]);
    expect(await readdir(directory)).toHaveLength(2);
  });

  it('does not rotate a file that another process has rotated just now', async () => {
    await writeFile(path, 'x');
    const { ino } = await stat(path);

    expect([await rotate(path, 3, ino), await rotate(path, 3, ino)]).toEqual([true, false]);

    expect((await readdir(directory)).sort()).toEqual(['out.jsonl', 'out.jsonl.1']);
  });

  it('finishes a rotation that a crash cut in the middle', async () => {
    const publisher = await openFile({ max_bytes: 1 });
    await publish(publisher, ['a']);
    await link(path, `${path}.1`);

    await publish(publisher, ['b']);

    expect([await idsIn(), await idsIn('out.jsonl.1')]).toEqual([['b'], ['a']]);
    expect(await readdir(directory)).toHaveLength(2);
  });

  it('takes over the lock of a process that died while it rotated, and not that of a living one', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    await writeFile(path, 'x');
    const { ino } = await stat(path);

    await writeFile(`${path}.rotating`, processOwner(process.ppid));
    expect(await rotate(path, 3, ino)).toBe(false);
    await writeFile(`${path}.rotating`, processOwner().replace(`.${process.pid}.`, `.${dead}.`));
    expect(await rotate(path, 3, ino)).toBe(true);

    expect((await readdir(directory)).sort()).toEqual(['out.jsonl', 'out.jsonl.1']);
  });

  it('leaves the lock to who is about to write a name into it, and takes it over when nobody ever did', async () => {
    await writeFile(path, 'x');
    const { ino } = await stat(path);
    const lock = `${path}.rotating`;
    await writeFile(lock, '');

    expect(await rotate(path, 3, ino)).toBe(false);
    const before = Date.now() / 1_000 - 11;
    await utimes(lock, before, before);
    expect(await rotate(path, 3, ino)).toBe(true);
  });

  it('takes over the lock of a dead process that had our pid, as every one in a container has', async () => {
    const [boot, pid, start] = processOwner().split('.');
    for (const earlier of [String(process.pid), `${boot}.${pid}.${Number(start) - 1}`, `another-boot.${pid}.${start}`]) {
      await writeFile(path, 'x');
      const { ino } = await stat(path);
      await writeFile(`${path}.rotating`, earlier);

      expect(await rotate(path, 3, ino), earlier).toBe(true);
    }
  });

  it('writes on into a new file when its own was moved away', async () => {
    const publisher = await openFile();
    await publish(publisher, ['a']);
    spawnSync('mv', [path, `${path}.moved`]);

    await publish(publisher, ['b']);

    expect([await idsIn('out.jsonl.moved'), await idsIn()]).toEqual([['a'], ['b']]);
  });

  it('is probed without leaving anything behind or mending what others write', async () => {
    await writeFile(path, '{"id":"torn');

    for (const name of ['out.jsonl', 'new.jsonl', 'new/folder/out.jsonl']) {
      const publisher = await openFile({ path: name }, true);
      await publisher.probe(never);
      await publisher.close();
    }

    expect(await readdir(directory)).toEqual(['out.jsonl']);
    expect(await readFile(path, 'utf8')).toBe('{"id":"torn');
  });

  it.each([
    'a-file/out.jsonl',
    'a-file/deep/er/out.jsonl',
    'a-folder',
  ])('says with a probe that %s takes nothing', async (name) => {
    await writeFile(join(directory, 'a-file'), '');
    await mkdir(join(directory, 'a-folder'));
    const publisher = await openFile({ path: name }, true);

    await expect(publisher.probe(never)).rejects.toMatchObject({ name: 'Fault', class: 'fatal' });
  });

  it('refuses to start where it cannot write', async () => {
    await writeFile(join(directory, 'a-file'), '');

    await expect(openFile({ path: 'a-file/out.jsonl' })).rejects.toMatchObject({ name: 'Fault', class: 'fatal' });
  });
});

import { appendFile, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileInput, file } from '../../../src/inputs/file/index.ts';
import { FileInputSchema } from '../../../src/inputs/file/schema.ts';
import { SettledPrefix } from '../../../src/inputs/file/settled-prefix.ts';
import { StreamSource } from '../../../src/inputs/file/stream-source.ts';
import type { Input } from '../../../src/inputs/input.ts';
import { Listener } from '../../contract/input.contract.ts';

let folder: string;
let path: string;
let opened: { readonly listener: Listener; readonly input: Input; readonly running: Promise<void> }[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-input-'));
  path = join(folder, 'in.jsonl');
  opened = [];
});
afterEach(async () => {
  for (const { listener, input, running } of opened) {
    listener.hard();
    await Promise.allSettled([running]);
    await input.close();
  }
  await rm(folder, { recursive: true });
});

const open = async (more: Readonly<Record<string, unknown>> = {}, settles = true) => {
  const listener = new Listener({ dataDir: folder });
  if (settles) listener.onDelivery = (delivery) => delivery.settle();
  const input = await file.open(FileInputSchema.parse({ path, poll_interval_ms: 10, ...more }), listener.context);
  const running = listener.follow(input.run());
  opened.push({ listener, input, running });
  return { listener, input, running };
};
const follow = (settles = true) => open({ follow: true }, settles);
const seen = (listener: Listener, count: number) => listener.until(() => listener.deliveries.length >= count);
const leave = async ({ listener, running, input }: (typeof opened)[number]) => {
  listener.soft();
  await running;
  await input.close();
};

describe('the file input', () => {
  it('names the file and the line of a delivery', async () => {
    await writeFile(path, 'a\n\nb\n');

    const { listener, running } = await open();
    await running;

    expect(listener.deliveries.map((delivery) => delivery.origin)).toEqual(['file:in.jsonl:1', 'file:in.jsonl:3']);
  });

  it('takes a last line without newline', async () => {
    await writeFile(path, 'a\nb');

    const { listener, running } = await open();
    await running;

    expect(listener.bodies).toEqual(['a', 'b']);
  });

  it('goes on after the last run, with the numbers of the lines', async () => {
    await writeFile(path, 'a\nb\n');
    await (await open()).running;
    await appendFile(path, 'c\n');

    const { listener, running } = await open();
    await running;

    expect(listener.deliveries.map((delivery) => delivery.origin)).toEqual(['file:in.jsonl:3']);
  });

  it('reads everything again from the start when told so', async () => {
    await writeFile(path, 'a\nb\n');
    await (await open()).running;

    const { listener, running } = await open({ from: 'start' });
    await running;

    expect(listener.bodies).toEqual(['a', 'b']);
  });

  it('reads a new file of the same name from its start', async () => {
    await writeFile(path, 'a\nb\n');
    await (await open()).running;
    await writeFile(join(folder, 'new'), 'other\nthings\nhere\n');
    await rename(join(folder, 'new'), path);

    const { listener, running } = await open();
    await running;

    expect(listener.bodies).toEqual(['other', 'things', 'here']);
  });

  it('reads a file that was rewritten in place from its start', async () => {
    await writeFile(path, 'a\nb\n');
    await (await open()).running;
    await writeFile(path, 'other\nthings\nhere\n');

    const { listener, running } = await open();
    await running;

    expect(listener.bodies).toEqual(['other', 'things', 'here']);
  });

  it('spoils an over-long line, so that it never decodes, and reads on', async () => {
    await writeFile(path, `{"a":1}${' '.repeat(2000)}\n{"b":2}\n`);

    const { listener, running } = await open({ max_line_bytes: 1024 });
    await running;

    expect(() => JSON.parse(listener.bodies[0] ?? '')).toThrow();
    expect(listener.bodies[0]).toContain('longer than 1024 bytes');
    expect(listener.bodies[1]).toBe('{"b":2}');
  });

  it('does not start without its file', async () => {
    const { running } = await open();

    await expect(running).rejects.toMatchObject({ class: 'fatal', code: 'no_file' });
  });

  it('does not start with a position that is none', async () => {
    await writeFile(path, 'a\n');
    await (await open()).running;
    const [name] = await readdir(join(folder, 'positions'));
    await writeFile(join(folder, 'positions', name ?? ''), '{"offset": -1}');

    await expect(open()).rejects.toMatchObject({ class: 'fatal', code: 'bad_position' });
  });

  it('goes on reading while it cannot write its position, says so, and does not prove it', async () => {
    await writeFile(path, 'a\nb\n');
    await writeFile(join(folder, 'positions'), 'a file where the folder should be');

    const { listener, running, input } = await open({ from: 'start' });
    await expect(running).rejects.toMatchObject({ code: expect.any(String) });

    expect(listener.bodies).toEqual(['a', 'b']);
    expect(listener.events.map((event) => event.kind)).toContain('blocked');
    await expect(input.prove()).rejects.toBeDefined();
  });

  it('follows what is appended, and waits for the end of a line', async () => {
    const { listener } = await follow();
    await writeFile(path, 'a\nb');
    await seen(listener, 1);
    await appendFile(path, 'c\n');
    await seen(listener, 2);

    expect(listener.bodies).toEqual(['a', 'bc']);
  });

  it('follows over a rotation', async () => {
    await writeFile(path, 'a\nb\n');
    const { listener } = await follow();
    await seen(listener, 2);

    await rename(path, `${path}.1`);
    await appendFile(`${path}.1`, 'late\n');
    await writeFile(path, 'c\n');
    await seen(listener, 4);

    expect(listener.bodies).toEqual(['a', 'b', 'late', 'c']);
  });

  it('follows over a truncation', async () => {
    await writeFile(path, 'long enough\n');
    const { listener } = await follow();
    await seen(listener, 1);

    await truncate(path);
    await seen(listener, 1);
    await appendFile(path, 'new\n');
    await seen(listener, 2);

    expect(listener.bodies).toEqual(['long enough', 'new']);
  });

  it('finds the rest of a file that was rotated away while it was down', async () => {
    await writeFile(path, 'a\nb\n');
    const first = await follow(false);
    await seen(first.listener, 2);
    first.listener.deliveries[0]?.settle();
    await first.input.prove();
    first.listener.hard();
    await first.running;
    await first.input.close();
    await rename(path, `${path}.1`);
    await writeFile(path, 'c\n');

    const { listener } = await follow();
    await seen(listener, 2);

    expect(listener.bodies).toEqual(['b', 'c']);
  });

  it('stops following when asked to, without reading more', async () => {
    await writeFile(path, 'a\n');
    const following = await follow();
    await seen(following.listener, 1);

    await leave({ ...following });

    expect(following.listener.ended).toBe(true);
  });

  it('keeps the offset and the line of what is settled', async () => {
    await writeFile(path, 'a\nb\n');
    await (await open()).running;
    const [name] = await readdir(join(folder, 'positions'));

    expect(JSON.parse(await readFile(join(folder, 'positions', name ?? ''), 'utf8'))).toMatchObject({ offset: 4, line: 2 });
  });

  it('loses nothing, wherever it is killed, and with whatever settled', async () => {
    const lines = Array.from({ length: 12 }, (_, index) => `line ${index}`);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(11), { maxLength: 12 }), async (settledFirst) => {
        await writeFile(path, lines.join('\n'));
        const first = await open({}, false);
        await seen(first.listener, 12);
        for (const index of settledFirst) first.listener.deliveries[index]?.settle();
        await first.input.prove();
        first.listener.hard();
        await first.running;

        const second = await open();
        await second.running;

        const settled = settledFirst.map((index) => lines[index]);
        const missing = lines.filter((line) => !settled.includes(line) && !second.listener.bodies.includes(line));
        expect(missing).toEqual([]);
        await rm(join(folder, 'positions'), { recursive: true, force: true });
      }),
      { numRuns: 40 },
    );
  });
});

describe('a stream of lines', () => {
  it('is read to its end', async () => {
    const listener = new Listener();
    listener.onDelivery = (delivery) => delivery.settle();
    const source = new StreamSource(Readable.from([Buffer.from('a\nb'), Buffer.from('c\nd')]), 100);

    await new FileInput('stdin', source, undefined, 10, listener.context).run();

    expect(listener.deliveries.map((delivery) => delivery.origin)).toEqual(['stdin:1', 'stdin:2', 'stdin:3']);
    expect(listener.bodies).toEqual(['a', 'bc', 'd']);
  });

  it('is left while it is silent', async () => {
    const listener = new Listener();
    const silent = new Readable({ read() {} });
    const running = new FileInput('stdin', new StreamSource(silent, 100), undefined, 10, listener.context).run();

    listener.soft();

    await running;
  });
});

describe('the settled prefix', () => {
  it('moves over what is settled without a gap', () => {
    const prefix = new SettledPrefix<string>();
    const [a, b, c] = ['a', 'b', 'c'].map((value) => prefix.add(value));

    expect(prefix.settle(b ?? -1)).toBeUndefined();
    expect(prefix.settle(a ?? -1)).toBe('b');
    expect(prefix.settle(a ?? -1)).toBeUndefined();
    expect(prefix.settle(c ?? -1)).toBe('c');
  });
});

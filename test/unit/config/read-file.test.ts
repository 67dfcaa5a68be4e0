import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readYamlFile } from '../../../src/config/read-file.ts';
import { fromFile } from '../../../src/config/references.ts';

let folder: string;
let pipe: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-read-'));
  pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
});
afterEach(() => rm(folder, { recursive: true }));

/** Writes to the pipe and, unless told to, never ends it. */
function writing(text: string, ends: boolean): { readonly broken: Promise<void> } {
  const stream = createWriteStream(pipe);
  const broken = new Promise<void>((resolve) => stream.once('error', () => resolve()));
  stream.write(text);
  if (ends) stream.end();
  return { broken };
}

const endless = '# a line\n'.repeat(400_000);

describe('a pipe in place of a file', () => {
  it('is read as a file when it ends', async () => {
    writing('cluster: c\n', true);

    expect((await readYamlFile(pipe)).document?.value).toEqual({ cluster: 'c' });
  });

  it('is refused, and let go, once more came than a file may have', async () => {
    const writer = writing(endless, false);

    const { document, problems } = await readYamlFile(pipe);
    await writer.broken;

    expect(document).toBeNull();
    expect(problems).toMatchObject([{ file: pipe, line: 1, message: 'larger than 1048576 bytes' }]);
  });

  it('is refused as the source of a secret too', async () => {
    const writer = writing(endless, false);

    expect(await fromFile(pipe)).toEqual({ fault: `cannot read ${pipe}: larger than 1048576 bytes` });
    await writer.broken;
  });

  it('gives a secret without its line end', async () => {
    writing('secret\r\n', true);

    expect(await fromFile(pipe)).toEqual({ value: 'secret' });
  });
});

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDefinitions } from '../../../src/config/definitions.ts';
import { ConfigError } from '../../../src/config/problem.ts';
import { createConverter } from '../../../src/core/convert/converter.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'definitions-'));
});
afterAll(() => rm(folder, { recursive: true }));

const write = async (name: string, text: string) => {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  return path;
};
const meter = (unit: string) => `{name: m, event_type: e, type: gauge, unit: ${unit}, volume: 1, resource_id: r}`;

describe('definition files', () => {
  it('are read in the order of paths, a folder sorted by name', async () => {
    const first = await write('z.yaml', `metric:\n  - ${meter('one')}\n`);
    await write('dir/b.yaml', 'metric: []\n');
    await write('dir/a.yaml', `metric:\n  - ${meter('two')}\n  - ${meter('three')}\n`);
    await write('dir/c.txt', 'not yaml: [');

    const { meters } = await readDefinitions({ meters: [first, join(folder, 'dir')], events: [] });

    expect(meters.map(({ file }) => file.slice(folder.length + 1))).toEqual(['z.yaml', 'dir/a.yaml', 'dir/b.yaml']);
    expect(meters[1]?.place?.(1)).toBe('3:5');
  });

  it('that are wrong are all told, with file, line and column', async () => {
    const meters = await write('wrong/meters.yaml', '- event_type: x\n');
    const twice = await write('wrong/twice.yaml', 'metric: []\nmetric: []\n');
    const events = await write('wrong/events.yaml', 'metric: []\n');
    const missing = join(folder, 'missing.yaml');

    const reading = readDefinitions({ meters: [meters, twice, missing], events: [events] });

    await expect(reading).rejects.toThrow(ConfigError);
    const { problems } = (await reading.catch((error: unknown) => error)) as ConfigError;
    expect(problems.map(({ file, line, hint }) => [file.slice(folder.length + 1), line, hint])).toEqual([
      ['wrong/meters.yaml', 1, 'these are event definitions'],
      ['wrong/twice.yaml', 2, null],
      ['missing.yaml', 0, null],
      ['wrong/events.yaml', 1, 'these are meter definitions'],
    ]);
  });

  it('give their place to complaints about what they define', async () => {
    const path = await write(
      'bad-path.yaml',
      'metric:\n  - {name: m, event_type: e, type: gauge, unit: B, volume: "%", resource_id: r}\n',
    );
    const read = await readDefinitions({ meters: [path], events: [] });

    expect(() => createConverter(read)).toThrow(`${path}:2:5: metric[0] (m): volume:`);
  });
});

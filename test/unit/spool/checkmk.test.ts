import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAssignments, withCheckmkSettings } from '../../../src/core/spool/checkmk-settings.ts';
import { readEntry } from '../../../src/core/spool/entry.ts';
import { parsePythonLiteral } from '../../../src/core/spool/python-literal.ts';
import { SpoolerSchema } from '../../../src/core/spool/settings.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { Float, type Json } from '../../../src/model/json.ts';
import { takeSpoolFiles } from '../../../src/services/spooler/spool-files.ts';
import { Site } from './rig.ts';

describe('a Python literal', () => {
  it.each<[string, Json]>([
    [`{'a': 1, "b": [True, None], 'c': (1, 2.0)}`, { a: 1, b: [true, null], c: [1, new Float(2)] }],
    [`{u'HOSTNAME': u'sr\\u00e4', b'x': -3}`, { HOSTNAME: 'srä', x: -3 }],
    [`'one' "two" '''three\n'''`, 'onetwothree\n'],
    [`r'\\d+'`, '\\d+'],
    [`'\\x41\\101\\n\\''`, "AA\n'"],
    ['(1)', 1],
    ['(1,)', [1]],
    ['{1, 2}', [1, 2]],
    ['{}', {}],
    ['12345678901234567890L', 12345678901234567890n],
    ['0x_ff', 255],
    ['{ # why\n 1: 2, # because\n}', { '1': 2 }],
  ])('%s is read', (text, value) => {
    expect(parsePythonLiteral(text)).toEqual(value);
  });

  it.each([
    ['__import__("os").system("x")', 'names are not looked up'],
    ['{"a": open("x")}', 'names are not looked up'],
    ['[1, 2', 'expected'],
    ['"abc', 'without its end'],
    ['1 + 1', 'expected the end'],
    ['['.repeat(100), 'nest deeper'],
    ['', 'expected a literal'],
    ['cos\nsystem\n(S"x"\ntR.', 'names are not looked up'],
  ])('%s is refused', (text, message) => {
    expect(() => parsePythonLiteral(text)).toThrow(message);
  });
});

describe("Checkmk's settings", () => {
  const none = SpoolerSchema.parse({});
  const merged = (text: string, settings = none) => withCheckmkSettings(settings, readAssignments(text).values);
  const presentSource = `# Created by WATO
notification_spooling = 'remote'
notification_spooler_config = {'log_level': 20, 'outgoing': [{'address': '10.1.1.1', 'port': 6555,
  'heartbeat_interval': 10, 'heartbeat_timeout': 5, 'cooldown': 20}], 'deferred_cooldown': 90}
`;

  it('S6 S25 of the present kind make a source that dials', () => {
    const { settings, notes } = merged(presentSource);

    expect(settings).toMatchObject({ role: 'source', send_heartbeat: 10, expect_heartbeat: 15, deferred_cooldown: 90 });
    expect(settings.tcp_client).toMatchObject({
      cooldown: 20,
      servers: [{ address: '10.1.1.1', port: 6555, encryption: 'unencrypted' }],
    });
    expect(notes).toEqual([]);
  });

  it('S6 S25 of the present kind make a sink that listens', () => {
    const { settings } = merged(
      "notification_spooling = 'local'\nnotification_spooler_config = {'incoming': {'listen_port': 6555, 'heartbeat_interval': 7}}\n",
    );

    expect(settings).toMatchObject({ role: 'sink', tcp_server: { listen: 6555, address: '::' }, send_heartbeat: 7 });
  });

  it.each([
    [
      "notification_spool_to = ('10.1.1.1', 6555, True)",
      { role: 'source', tcp_client: { servers: [{ address: '10.1.1.1', port: 6555 }] } },
      1,
    ],
    [
      "notification_forward_to = '10.1.1.1'",
      { role: 'source', tcp_client: { servers: [{ address: '10.1.1.1', port: 6555 }] } },
      0,
    ],
    ['notification_daemon_listen_port = 6555', { role: 'sink', tcp_server: { listen: 6555 } }, 0],
    ['notification_deferred_retention_time = 60', { role: 'standalone', deferred_cooldown: 60 }, 0],
  ])('S6 S25 of the old kind, alone, are understood: %s', (text, expected, notes) => {
    const found = merged(text);

    expect(found.settings).toMatchObject(expected);
    expect(found.notes).toHaveLength(notes);
  });

  it('S25 of the old kind are ignored with a message beside the present ones', () => {
    const { settings, notes } = merged(`${presentSource}notification_daemon_listen_port = 1234\n`);

    expect(settings.tcp_server).toBeUndefined();
    expect(notes).toEqual([
      'notification_daemon_listen_port is ignored, because notification_spooler_config and notification_spooling is set',
    ]);
  });

  it('S6 S25 are ignored with a message, all of them, once ours are set', () => {
    const ours = SpoolerSchema.parse({ role: 'sink', tcp_server: {} });
    const { settings, notes } = merged(`${presentSource}notification_forward_to = 'x'\n`, ours);

    expect(settings).toEqual(ours);
    expect(notes).toHaveLength(3);
    expect(notes.every((note) => note.endsWith('is ignored, because `role` is set'))).toBe(true);
  });

  it('never become a connection that falls back to plain', () => {
    const { settings, notes } = merged(presentSource.replace("'cooldown'", "'encryption': 'upgradable', 'cooldown'"));

    expect(settings.tcp_client?.servers[0]?.encryption).toBeUndefined();
    expect(notes[0]).toContain('upgradable would fall back to plain');
  });

  it('are read line by line, and what is computed is passed over', () => {
    const { values, otherLines } = readAssignments(
      'import os\nx = os.environ["X"]\ny = 1\nz.update({})\nlist += [1]\nif x:\n  y = 2\n',
    );

    expect(values).toEqual({ y: 1 });
    expect(otherLines).toEqual([1, 2, 4, 5, 6]);
  });
});

describe("files of Checkmk's spool", () => {
  let site: Site;
  let folder: string;
  const uuid = '3f7a2a4e-6f6b-4a89-8c52-0f6f3c1f3a11';

  beforeEach(async () => {
    site = await Site.make('east');
    folder = await mkdtemp(join(tmpdir(), 'checkmk-spool-'));
  });
  afterEach(async () => {
    await site.close();
    await rm(folder, { recursive: true });
  });

  const put = async (name: string, text: string | Uint8Array, ageMs = 60_000) => {
    await writeFile(join(folder, name), text);
    const at = new Date(Date.now() - ageMs);
    await utimes(join(folder, name), at, at);
  };
  const take = () => takeSpoolFiles({ folder, place: site.place, clock: systemClock });

  it('S21 that are to be forwarded are spooled under the uuid that names them', async () => {
    await put(uuid, "{'forward': True, 'context': {'HOSTNAME': 'srv', 'WHAT': 'HOST'}}");

    expect(await take()).toBe(1);
    const rows = [...site.place.spool.list()].map(({ row }) => readEntry(row.entry).record);
    expect(rows).toMatchObject([
      {
        uuid,
        site: 'east',
        context: { message_id: uuid, event_type: 'checkmk.notification', payload: { context: { HOSTNAME: 'srv' } } },
      },
    ]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('S1 that are for this site are taken in apart, and once however often they come', async () => {
    for (let i = 0; i < 2; i++) {
      await put(uuid, "{'plugin': 'mail', 'context': {'HOSTNAME': 'srv'}}");
      await take();
    }

    expect(site.arrived()).toEqual([uuid]);
    expect(site.place.spool.stats().new.count).toBe(0);
  });

  it.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'it is empty'],
    ['half a notification', "{'context': {'HOSTNAME", 'without its end'],
    ['something foreign', "['no', 'notification']", 'it has no context'],
    ['a pickle', new Uint8Array([0x80, 3, 0x7d, 0x71, 0]), 'expected a literal'],
    ['a program', '__import__("os").system("touch /tmp/owned")', 'names are not looked up'],
  ])('S21 that hold %s are kept as corrupted', async (_what, text, reason) => {
    await put('x', text);

    expect(await take()).toBe(1);
    expect(site.place.corrupted.list()).toMatchObject([{ origin: 'x', reason: expect.stringContaining(reason) }]);
    expect(site.place.corrupted.stats().count).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('S21 that may still be written are left alone for a while', async () => {
    await put('x', "{'context': {", 1_000);

    expect(await take()).toBe(0);
    expect(await readdir(folder)).toEqual(['x']);
  });

  it('are no folders, and a folder that is not there is none', async () => {
    await mkdir(join(folder, 'sub'));
    expect(await take()).toBe(0);

    expect(await takeSpoolFiles({ folder: join(folder, 'nowhere'), place: site.place, clock: systemClock })).toBe(0);
  });
});

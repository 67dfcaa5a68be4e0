import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Channel } from '../../../src/services/livestatus-proxy/channel.ts';
import { framed, type Script, ScriptedSite, turn, until } from '../../livestatus/rig.ts';

describe('a channel to a Livestatus site', () => {
  let dir: string;
  let site: ScriptedSite;

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'lp-'));
    site = await new ScriptedSite(join(dir, 'site')).start();
  });

  afterEach(async () => {
    await site.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  /** What the asker of the first of two questions hears; the second is asked as soon as the channel may be. */
  async function heard(script: Script): Promise<readonly string[]> {
    site.script = script;
    const channel = new Channel({ kind: 'unix', path: site.path }, { heard: () => undefined, closed: () => undefined }, 0);
    const calls: string[] = [];
    let over = false;
    const told = (what: string, bytes: Buffer) => {
      calls.push(`${what} ${bytes.toString('latin1')}`);
      return 'taken' as const;
    };
    const second = {
      start: () => 'taken' as const,
      body: () => 'taken' as const,
      came: () => undefined,
      end: () => {
        over = true;
      },
      fail: () => calls.push('second failed'),
    };
    channel.ask('GET first\nKeepAlive: on\n\n', {
      start: (_header, bytes) => told('start', bytes),
      body: (bytes) => told('body', bytes),
      came: () => {
        calls.push('came');
        channel.ask('GET second\nKeepAlive: on\n\n', second);
      },
      end: () => calls.push('end'),
      fail: () => calls.push('failed'),
    });
    await until(() => over);
    channel.close('the test is over');
    return calls;
  }

  it('may be asked again before the last bytes of an answer are handed on', async () => {
    const answer = framed(200, 'all of it');

    expect(await heard((_request, socket) => void socket.write(answer))).toEqual(['came', `start ${answer}`, 'end']);
  });

  it('hands a header on with the first bytes of the body, however they came', async () => {
    const script: Script = async (_request, socket) => {
      for (const piece of ['200   ', '       12\n', 'first ', 'second']) {
        socket.write(piece);
        for (let i = 0; i < 5; i++) await turn();
      }
    };

    expect(await heard(script)).toEqual(['start 200          12\nfirst ', 'came', 'body second', 'end']);
  });
});

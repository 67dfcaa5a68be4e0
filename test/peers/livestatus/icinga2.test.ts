import { afterEach, describe, expect, it } from 'vitest';
import { pause, until } from '../../faults/until.ts';
import { probes } from './probes.ts';
import { ask, beats, behindProxy, icingaPort, icingaSocket, signalIcinga, sorted } from './site-behind-proxy.ts';

const one = 'GET hosts\nColumns: name state plugin_output\nFilter: name = host1\nResponseHeader: fixed16\n\n';

describe('Icinga 2 behind the proxy', () => {
  afterEach(() => signalIcinga('SIGCONT'));

  it('answers every probe with the same bytes as without the proxy', async () => {
    await using lp = await behindProxy(`unix:${icingaSocket()}`);
    const differing: unknown[] = [];

    for (const { name, request, half } of probes) {
      const direct = await ask(icingaSocket(), request, half, 3_000);
      const proxied = await ask(lp.socket, request, half, 3_000);
      if (sorted(direct.text) !== sorted(proxied.text) || direct.closed !== proxied.closed)
        differing.push({ name, direct, proxied });
    }

    expect(differing).toEqual([]);
    expect(probes.length).toBeGreaterThanOrEqual(41);
  });

  it('goes on with its own checks while 64 clients ask, and none of them starves', { timeout: 60_000 }, async () => {
    await using lp = await behindProxy(`tcp:127.0.0.1:${icingaPort()}`, { wait_for_free_channel: 30 });
    const seconds = 10;
    const times: number[] = [];
    const served = new Array<number>(64).fill(0);
    const before = await beats();
    const began = performance.now();
    const end = began + seconds * 1000;

    await Promise.all(
      served.map(async (_, client) => {
        while (performance.now() < end) {
          const asked = performance.now();
          const { text } = await ask(lp.socket, one);
          expect(text.slice(0, 4)).toBe('200 ');
          times.push(performance.now() - asked);
          served[client] = (served[client] ?? 0) + 1;
        }
      }),
    );
    const ran = (await beats()) - before;
    const took = (performance.now() - began) / 1000;

    times.sort((a, b) => a - b);
    const p99 = times[Math.floor(times.length * 0.99)] as number;
    const fairShare = (took * 1000 * served.length) / times.length;
    console.log(
      `${times.length} answers in ${took.toFixed(1)} s, fewest of one client ${Math.min(...served)}, most ${Math.max(...served)}, p99 ${p99.toFixed(1)} ms, fair share ${fairShare.toFixed(1)} ms, own checks ${ran}`,
    );
    expect(ran).toBeGreaterThanOrEqual(Math.floor(took) - 2);
    expect(Math.min(...served)).toBeGreaterThan(Math.max(...served) / 2);
    expect(p99).toBeLessThanOrEqual(3 * fairShare);
  });

  it('costs no 44 ms a query over TCP', async () => {
    await using lp = await behindProxy(`tcp:127.0.0.1:${icingaPort()}`);
    const times: number[] = [];

    for (let i = 0; i < 100; i++) {
      const asked = performance.now();
      await ask(lp.socket, one);
      times.push(performance.now() - asked);
    }

    times.sort((a, b) => a - b);
    expect(times[50]).toBeLessThan(20);
  });

  it('is found dead within ten seconds when it is frozen, and serves within five when thawed', { timeout: 60_000 }, async () => {
    await using lp = await behindProxy(`unix:${icingaSocket()}`, { cache: true });
    const groups = 'GET hostgroups\nColumns: name\nResponseHeader: fixed16\n\n';
    expect((await ask(lp.socket, groups)).text).toMatch(/^200 /);

    signalIcinga('SIGSTOP');
    const frozen = performance.now();
    const waiting = ask(lp.socket, one);
    await until(() => lp.told('livestatus:dead') === 1, 10_000, 'a frozen site is not found dead');
    const found = performance.now() - frozen;
    const answers = [(await waiting).text, (await ask(lp.socket, groups)).text];
    await pause(5_000);
    signalIcinga('SIGCONT');
    const thawed = performance.now();
    await until(async () => (await ask(lp.socket, one)).text.startsWith('200 '), 5_000, 'a thawed site does not serve');

    console.log(
      `found dead after ${(found / 1000).toFixed(1)} s, served again after ${((performance.now() - thawed) / 1000).toFixed(1)} s`,
    );
    for (const answer of answers) expect(answer).toMatch(/^502 +\d+\nSite 'icinga' is not reachable: no answer within \d+ ms$/);
  });
});

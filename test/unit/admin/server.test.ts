import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Health } from '../../../src/admin/health.ts';
import { type Admin, type AdminOptions, startAdmin } from '../../../src/admin/server.ts';

let admin: Admin | undefined;

afterEach(async () => {
  await admin?.close();
  admin = undefined;
});

async function start(options: Partial<AdminOptions> = {}): Promise<string> {
  admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    token: null,
    health: new Health(),
    version: '1.2.3',
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'ceilograph_received_total 7\n' }),
    status: async () => ({ version: 1 }),
    ...options,
  });
  return admin.address;
}

/** With headers that `fetch` would not let through. */
function ask(url: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('error', reject).end();
  });
}

describe('the admin server', () => {
  it('says whether the agent does what it should, and why not', async () => {
    const health = new Health();
    const address = await start({ health });
    const told = async () => {
      const answer = await fetch(`${address}/healthz`);
      return [answer.status, await answer.json()];
    };

    expect(await told()).toEqual([503, { ok: false, reason: 'starting' }]);
    health.running();
    expect(await told()).toEqual([200, { ok: true, reason: null }]);
    health.ailing('stopping');
    health.ailing('a part has failed');
    expect(await told()).toEqual([503, { ok: false, reason: 'stopping' }]);
  });

  it('serves metrics as Prometheus reads them, and the status as JSON', async () => {
    const address = await start();

    const metrics = await fetch(`${address}/metrics`);
    const status = await fetch(`${address}/v1/status?pretty`);

    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await metrics.text()).toBe('ceilograph_received_total 7\n');
    expect(status.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await status.json()).toEqual({ version: 1 });
    expect(status.headers.get('cache-control')).toBe('no-store');
  });

  it('wants the token for everything but the health, when there is one', async () => {
    const address = await start({ token: 'secret' });
    const status = async (path: string, authorization?: string) =>
      (await fetch(address + path, authorization === undefined ? {} : { headers: { authorization } })).status;

    expect(await status('/healthz')).toBe(503);
    for (const path of ['/metrics', '/v1/status', '/v1/status?/healthz', '/healthz/../metrics', '/no-such-page']) {
      expect(await status(path), path).toBe(401);
      expect(await status(path, 'Bearer secre'), path).toBe(401);
      expect(await status(path, 'Basic secret'), path).toBe(401);
    }
    expect(await status('/metrics', 'Bearer secret')).toBe(200);
    expect(await status('/v1/status', 'bearer secret')).toBe(200);
  });

  it.each(['0.0.0.0', '::', '192.0.2.1', 'agent.example'])('refuses to listen on %s without a token', async (host) => {
    await expect(start({ host })).rejects.toMatchObject({ class: 'fatal', code: 'admin_without_token' });
  });

  it('answers nobody who calls this machine by another name, whatever the token', async () => {
    const { port } = new URL(await start({ token: 'secret' }));
    const by = (host: string) => ask(`http://127.0.0.1:${port}/metrics`, { host, authorization: 'Bearer secret' });

    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example']) expect(await by(host), host).toBe(421);
    for (const host of ['localhost', `LOCALHOST:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`])
      expect(await by(host), host).toBe(200);
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('takes no %s', async (method) => {
    const address = await start();

    expect(await ask(`${address}/v1/status`, {}, method)).toBe(405);
    expect((await fetch(`${address}/healthz`)).status).toBe(503);
  });

  it('reads no body, however large', async () => {
    const address = await start();
    const answer = await fetch(`${address}/metrics`, { method: 'POST', body: 'x'.repeat(1_000_000) });

    expect(answer.status).toBe(405);
  });

  it('says where else to look', async () => {
    const answer = await fetch(`${await start()}/status`);

    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({
      title: 'there is: /livez, /readyz, /healthz, /version, /metrics, /v1/status, /v1/openapi.json',
      status: 404,
    });
  });

  it('says nothing to the outside of what failed inside', async () => {
    const address = await start({ status: () => Promise.reject(new Error('amqp://user:password@host')) });
    const answer = await fetch(`${address}/v1/status`);

    expect(answer.status).toBe(500);
    expect(await answer.json()).toEqual({ title: 'internal error', status: 500 });
  });

  it('looks once for many who ask at the same time', async () => {
    let looks = 0;
    let look = () => {};
    const looking = new Promise<void>((resolve) => {
      look = resolve;
    });
    const address = await start({
      status: async () => {
        looks += 1;
        await looking;
        return { looks };
      },
    });
    const answers = Array.from({ length: 20 }, () => fetch(`${address}/v1/status`));
    while (looks === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 20; i++) await fetch(`${address}/healthz`);
    look();

    const bodies = await Promise.all((await Promise.all(answers)).map((answer) => answer.json()));
    expect(bodies).toEqual(Array.from({ length: 20 }, () => ({ looks: 1 })));
  });

  it('cuts off who holds a connection without asking', async () => {
    const { port } = new URL(await start({ requestMs: 200 }));
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow');

    await new Promise((resolve) => socket.once('close', resolve).resume());
  });

  it('says what it cannot listen on', async () => {
    const { port } = new URL(await start());

    await expect(
      startAdmin({ ...({} as AdminOptions), host: '127.0.0.1', port: Number(port), token: null }),
    ).rejects.toMatchObject({
      class: 'fatal',
      code: 'cannot_listen',
    });
  });
});

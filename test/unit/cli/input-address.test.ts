import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addressOf } from '../../../src/cli/input-address.ts';
import { loadAgent } from '../../../src/config/load-agent.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-address-'));
  await writeFile(join(folder, 'password'), 'p@ss\n');
});
afterEach(() => rm(folder, { recursive: true }));

async function config(inputs: string) {
  await writeFile(join(folder, 'agent.yaml'), `data_dir: data\npipelines: pipelines\ninputs:\n${inputs}`);
  return await loadAgent(join(folder, 'agent.yaml'), {});
}

const amqp = (more: string) => `  - amqp: { url: "amqp://user@rabbit:5672/site", ${more} }\n`;

describe('where an input is sent to', () => {
  it('is the exchange and queues that it listens to, with its password', async () => {
    const one = await config(amqp('exchanges: [nova], topics: [own], quorum: true, password_file: password'));
    const { to, priorities } = await addressOf(one, undefined);
    const url = new URL(to);

    expect(url.href.split('?')[0]).toBe('amqp://user:p%40ss@rabbit:5672/site');
    expect(priorities).toContain('sample');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      exchange: 'nova',
      topic: 'own',
      durable: 'true',
      auto_delete: 'false',
      quorum: 'true',
      declare: 'true',
    });
  });

  it('is one of several exchanges only when it is said which', async () => {
    const several = await config(amqp('exchanges: [nova, neutron]'));

    await expect(addressOf(several, undefined)).rejects.toThrow(
      '--exchange which one amqp shall get them through: nova, neutron',
    );
    await expect(addressOf(several, undefined, 'heat')).rejects.toThrow('nova, neutron');
    expect(new URL((await addressOf(several, undefined, 'neutron')).to).searchParams.get('exchange')).toBe('neutron');
  });

  it('is the address of an HTTP input with its token, on this machine where it listens everywhere', async () => {
    const http = await config('  - http: { name: web, host: 0.0.0.0, port: 9000, token_file: password }\n');

    expect(await addressOf(http, 'web')).toEqual({ to: 'http://127.0.0.1:9000', tokenFile: expect.stringMatching(/password$/) });
  });

  it.each([
    ['  - file: { path: in.jsonl }\n', undefined, 'there is file (file)'],
    ['  - http: { port: 0 }\n', undefined, 'takes any free port'],
    [amqp('exchanges: [nova]'), 'other', 'named other; there is amqp (amqp)'],
  ])('is refused with what to do for %j', async (inputs, name, words) => {
    await expect(addressOf(await config(inputs), name)).rejects.toThrow(words);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';

const message = (id: string, eventType = 'compute.instance.exists') =>
  JSON.stringify({
    message_id: id,
    publisher_id: 'compute.h1',
    event_type: eventType,
    priority: 'INFO',
    timestamp: '2024-03-04 05:06:07.123456',
    payload: { instance_id: 'i1', tenant_id: 't1', user_id: 'u1', vcpus: 2, memory_mb: 512 },
  });

async function convert(args: readonly string[], input: string) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'convert', ...args]);
  child.stdin.end(input);
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { out: out.split('\n').filter((line) => line !== ''), errors, code: child.exitCode };
}

describe('ceilograph convert', () => {
  it('prints samples and events, tells bad lines with their number, goes on, and exits 1', async () => {
    const { out, errors, code } = await convert([], `${message('m1')}\n{"half\n\n${message('m2')}\n`);

    const items = out.map((line) => JSON.parse(line) as { event_type?: string; message_id?: string; name?: string });
    expect(items.filter((item) => item.event_type !== undefined).map((item) => item.message_id)).toEqual(['m1', 'm2']);
    expect(items.some((item) => item.name === 'vcpus')).toBe(true);
    expect(errors).toMatch(/^stdin:2: bad_json: /);
    expect(code).toBe(1);
  });

  it('prints only what is asked for, and exits 0', async () => {
    const { out, errors, code } = await convert(['--to', 'events', '-'], message('m1'));

    expect(out).toHaveLength(1);
    expect([errors, code]).toEqual(['', 0]);
  });

  it('says which file it cannot read', async () => {
    const { errors, code } = await convert(['no-such-file.jsonl'], '');

    expect(errors).toMatch(/no-such-file\.jsonl: no such file/);
    expect(code).toBe(1);
  });
});

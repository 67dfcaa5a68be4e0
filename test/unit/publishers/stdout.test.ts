import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';

/** A process whose standard output nobody reads any more, as after `| head`. */
const program = `
import { openStdout } from ${JSON.stringify(new URL('../../../src/publishers/stdout/index.ts', import.meta.url).href)};
const publisher = openStdout(process.stdout);
const batch = { items: [], id: 'x', lines: () => 'line\\n'.repeat(10_000), messages: () => [], messagesFrom: () => [], fileTexts: () => [] };
for (;;) {
  try {
    await publisher.publish(batch, new AbortController().signal);
  } catch (error) {
    process.stderr.write(error.class + ' ' + error.code);
    break;
  }
}
await publisher.publish(batch, new AbortController().signal).catch((error) => process.stderr.write(' ' + error.code));
`;

describe('the stdout publisher', () => {
  it('says that its reader has left, and does not end the process by itself', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    child.stdout.once('data', () => child.stdout.destroy());

    const [code] = await once(child, 'close');

    expect([said, code]).toEqual(['fatal stdout_closed stdout_closed', 0]);
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openBrowser, openPage, untilLive } from '../browser/browser.ts';
import { freePort } from '../services/free-port.ts';
import { projectDir } from './program.ts';
import { runChecks, type Tally } from './report.ts';

// The pictures of docs/dashboard.md, taken anew from a running demo: `bash test/services/services.sh run chromium -- npm run pictures`.

const folder = join(projectDir, 'docs/pictures');
/** JSON, which the input takes, and no notification: a dead letter for the picture. */
const useless = [
  { hello: 'world' },
  { event_type: 'x', timestamp: '2026-01-01T00:00:00', publisher_id: 'p', priority: 'LOUD', payload: {} },
];

async function takeAll(): Promise<Tally> {
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const demo = spawn(process.execPath, [join(projectDir, 'dist/cli/main.js'), 'demo', '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Without it partitions of a killed agent are at the others before anybody could look.
    env: { ...process.env, CEILOGRAPH_TIMING_REJOIN_GRACE_MS: '6000' },
  });
  const browser = await openBrowser();
  try {
    await said(demo, 'watch them on');
    const night = await openPage(browser, address, { colorScheme: 'dark', viewport: { width: 1280, height: 820 } });
    const day = await openPage(browser, address, { colorScheme: 'light', viewport: { width: 1280, height: 900 } });
    const phone = await openPage(browser, address, {
      colorScheme: 'light',
      viewport: { width: 390, height: 844 },
      isMobile: true,
    });
    for (const { page } of [night, day, phone]) await untilLive(page);
    await night.page.locator('#attention[data-tone="critical"]').waitFor({ timeout: 60_000 });
    await night.page.screenshot({ path: join(folder, 'agent-died.png') });
    await night.page.locator('#attention[data-tone="good"]').waitFor({ timeout: 60_000 });
    await sendUseless(address);
    await new Promise((resolve) => setTimeout(resolve, 25_000));
    await day.page.screenshot({ path: join(folder, 'page.png'), fullPage: true });
    await phone.page.screenshot({ path: join(folder, 'phone.png') });
    return { passed: 1, failed: 0 };
  } finally {
    await browser.close();
    const ended = new Promise((resolve) => demo.once('exit', resolve));
    demo.kill('SIGTERM');
    await ended;
  }
}

function said(demo: ChildProcess, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    demo.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes(words)) resolve();
    });
    demo.once('exit', (code) => reject(new Error(`the demo ended with ${code}: ${text}`)));
  });
}

async function sendUseless(address: string): Promise<void> {
  const { inputs } = (await (await fetch(`${address}/v1/inputs`)).json()) as {
    readonly inputs: readonly { readonly detail: string }[];
  };
  for (const body of useless)
    await fetch(inputs[0]?.detail ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
}

await runChecks([{ id: 'pictures', about: 'takes the pictures of the page anew', run: takeAll }], process.argv.slice(2));

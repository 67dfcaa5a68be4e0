import { spawn } from 'node:child_process';
import type { Page } from 'playwright-core';
import { openBrowser } from './browser.ts';

/**
 * Somebody runs a command and looks at the page it serves: how long until a rate is on a plot, is an agent seen to die, and do the others
 * take its partitions? Exits 1 when one of these is not seen in time.
 *
 *     CHROMIUM=… NEWCOMER_BEGUN=EPOCH_MS tsx watch-page.ts SCRIPT ADDRESS
 */
const [script = '', address = ''] = process.argv.slice(2);
const rateWithinMs = 5 * 60_000;
const movedWithinMs = 3 * 60_000;

const begun = performance.now();
const seconds = () => `${((performance.now() - begun) / 1_000).toFixed(0)} s`;
const say = (text: string) => console.log(`page: ${text}`);

// Said in the environment of a script of ours, it would send npm back to this project.
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => name !== 'INIT_CWD' && !/^npm_(?:package|lifecycle|config_local_prefix)/.test(name),
  ),
);
const program = spawn('bash', ['-c', script], { env, stdio: ['ignore', 'ignore', 'inherit'], detached: true });
const ended = new Promise<void>((resolve) => program.once('exit', () => resolve()));
const browser = await openBrowser();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await served(page);
  say(`served after ${seconds()}`);
  await page.waitForFunction(rateOnPlot, undefined, { timeout: rateWithinMs - (performance.now() - begun) });
  const all = Math.round((Date.now() - Number(process.env['NEWCOMER_BEGUN'] ?? Date.now())) / 1_000);
  say(`a rate on the plot after ${seconds()}; all of this page's commands so far took ${all} s, installing included`);
  const dead = page.locator('#owners tr.dead').first();
  await dead.waitFor({ timeout: movedWithinMs });
  const name = await dead.getAttribute('data-key');
  say(`${name} is seen to be gone after ${seconds()}`);
  await page.waitForFunction(replaced, undefined, { timeout: movedWithinMs });
  say(`its partitions are seen at the others after ${seconds()}: ${await page.locator('#moved').textContent()}`);
} catch (error) {
  say(`not seen: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  if (program.pid !== undefined && program.exitCode === null) process.kill(-program.pid, 'SIGTERM');
  await ended;
}

async function served(page: Page): Promise<void> {
  for (;;) {
    const answer = await page.goto(address).catch(() => null); // nobody listens yet
    if (answer?.ok() === true) return;
    if (program.exitCode !== null) throw new Error(`the command ended with ${program.exitCode}`);
    if (performance.now() - begun > rateWithinMs) throw new Error(`${address} serves nothing`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** In the page: a line is drawn, and its last value is above 0. */
function rateOnPlot(): boolean {
  const lines = document.querySelectorAll('#rates-plot .line');
  const values = [...document.querySelectorAll('#rates-legend b')].map((each) => Number(each.textContent?.replaceAll(',', '')));
  return lines.length > 0 && values.some((value) => value > 0);
}

/** In the page: nobody's row is gone, and all squares of who is dead are empty. */
function replaced(): boolean {
  const all = document.querySelectorAll('#owners tr:not(.dead):not(.nobody) .owned').length;
  const dead = document.querySelectorAll('#owners tr.dead .owned').length;
  return all > 0 && dead === 0 && document.querySelector('#owners tr.nobody') === null;
}

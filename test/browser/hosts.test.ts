import type { Browser } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openBrowser, openPage, seriousFindings, untilLive } from './browser.ts';
import { WatchedCluster } from './cluster-under-watch.ts';

const inventory = `templates:
  quick: { services: { uptime: { interval: 2s, tolerance: 1s } } }
groups:
  web: { templates: [quick] }
  db: { templates: [quick] }
hosts:
  web1: { address: 192.0.2.1, groups: [web] }
  web2: { address: 192.0.2.2, groups: [web] }
  db1: { address: 192.0.2.3, groups: [db] }
`;

let browser: Browser;
let cluster: WatchedCluster;
let quiet: Set<string>;
let reporting: ReturnType<typeof setInterval>;

beforeEach(async () => {
  cluster = await WatchedCluster.start(['one'], '', undefined, inventory);
  browser = await openBrowser();
  quiet = new Set();
  const report = () =>
    cluster.report(
      'one',
      ['web1', 'web2', 'db1'].filter((host) => !quiet.has(host)),
    );
  await report();
  reporting = setInterval(() => void report().catch(() => undefined), 500); // the agent may be gone already
});
afterEach(async () => {
  clearInterval(reporting);
  await browser.close();
  await cluster.close();
});

it('shows which host of which group has gone quiet, why, and that it is back', { timeout: 90_000 }, async () => {
  const { page, faults } = await openPage(browser, cluster.address('one'));
  await untilLive(page);
  await page.locator('#hosts-about', { hasText: '3 ok' }).waitFor();
  expect(await page.locator('#hosts .groups li').count()).toBe(2);

  quiet.add('web2');
  const row = page.locator('#hosts tr[data-key="web2"]');
  await row.waitFor();
  expect(await row.textContent()).toMatch(/unreachable.*uptime silent for \d+ s/);
  // The group that is worst off stands first.
  expect(await page.locator('#hosts .groups li').first().textContent()).toContain('2 hosts: 1 unreachable');
  expect(await seriousFindings(page)).toEqual([]);

  quiet.delete('web2');
  await page.locator('#hosts', { hasText: 'All hosts are well.' }).waitFor();
  expect(faults).toEqual([]);
});

it('is not there where nobody is expected to report', { timeout: 60_000 }, async () => {
  const other = await WatchedCluster.start(['two']);
  try {
    const { page } = await openPage(browser, other.address('two'));
    await untilLive(page);

    expect(await page.locator('#hosts-section').isVisible()).toBe(false);
  } finally {
    await other.close();
  }
});

import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, openPage, seriousFindings, untilLive } from './browser.ts';
import { WatchedCluster } from './cluster-under-watch.ts';

let browser: Browser;
let cluster: WatchedCluster;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

/** JSON, which the input takes, and nothing that could be converted. */
const noNotification = '{"hello":"world"}';
const owned = (agent: string) => `#owners tr[data-key="${agent}"] .owned`;

describe('the page of a cluster of three agents', { timeout: 60_000 }, () => {
  beforeEach(async () => {
    cluster = await WatchedCluster.start(['one', 'two', 'three']);
  });
  afterEach(() => cluster.close());

  it('follows what happens without being loaded again', async () => {
    const { page, faults, strangers } = await openPage(browser, cluster.address('one'));
    await untilLive(page);
    const applied = page.locator('#sinks tr[data-key="cpu"] td').nth(2);
    expect(await applied.textContent()).toBe('0');

    const feeding = new AbortController();
    const fed = (async () => {
      while (!feeding.signal.aborted) {
        await cluster.feed('two', 50);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    await page.waitForFunction(
      () => Number(document.querySelector('#sinks tr[data-key="cpu"] td:nth-child(4)')?.textContent) > 0,
    );
    await page.locator('#rates-plot .line').first().waitFor({ state: 'attached' });
    feeding.abort();
    await fed;

    expect(await page.locator('#attention').getAttribute('data-tone')).toBe('good');
    expect(faults).toEqual([]);
    expect(strangers).toEqual([]);
  });

  it('shows the partitions of an agent that is killed move to the others', async () => {
    const { page, faults } = await openPage(browser, cluster.address('one'));
    await untilLive(page);
    await page.locator(owned('three')).first().waitFor();
    await page.waitForFunction(() => document.querySelectorAll('#owners .owned').length === 12);
    const before = await page.locator(owned('three')).count();

    await cluster.kill('three');
    await page.waitForFunction(
      () =>
        document.querySelectorAll('#owners tr[data-key="three"] .owned').length === 0 &&
        document.querySelectorAll('#owners .owned').length === 12,
      undefined,
      { timeout: 30_000 },
    );

    expect(before).toBeGreaterThan(0);
    expect((await page.locator(owned('one')).count()) + (await page.locator(owned('two')).count())).toBe(12);
    expect(await page.locator('#owners .moved').count()).toBeGreaterThan(0);
    expect(await page.locator('#moved').textContent()).toMatch(/three|nobody/);
    // Its record may end a moment after its leases.
    await page.locator('#owners tr.dead[data-key="three"]').waitFor();
    expect(faults).toEqual([]);
  });

  it('names the other agents that have made dead letters, with the way to their pages', async () => {
    await cluster.feed('two', 3, noNotification);
    const { page, faults } = await openPage(browser, cluster.address('one'));
    await untilLive(page);

    const link = page.locator('#letters .others a', { hasText: 'two has made 3 dead letters since its start' });
    await link.waitFor();
    expect(await link.getAttribute('href')).toBe(`${cluster.address('two')}/`);
    expect(await page.locator('#letters .others a').count()).toBe(1);
    expect(faults).toEqual([]);
  });

  it('says that the connection is lost, and finds the agent again after it was restarted', async () => {
    const { page } = await openPage(browser, cluster.address('one'));
    await untilLive(page);

    await cluster.kill('one', 'SIGTERM');
    await page.locator('#live[data-state="lost"]').waitFor();
    expect(await page.locator('#live').textContent()).toMatch(/connection lost .*; trying again/);
    await cluster.start('one');
    await page.locator('#live[data-state="live"]').waitFor({ timeout: 20_000 });

    await page.locator('#told li', { hasText: 'The agent has started.' }).waitFor();
  });
});

describe('the page of one agent', { timeout: 60_000 }, () => {
  beforeEach(async () => {
    cluster = await WatchedCluster.start(['one']);
  });
  afterEach(() => cluster.close());

  it('shows dead letters by reason, and one with its body', async () => {
    await cluster.feed('one', 1, noNotification);
    const { page, faults } = await openPage(browser, cluster.address('one'));
    await untilLive(page);

    await page.locator('#letters .bars li[data-key="missing_field"]').waitFor();
    await page.locator('#letters button', { hasText: 'show' }).click();
    await page.locator('dialog[open] pre').waitFor();
    expect(await page.locator('dialog pre').textContent()).toBe('{\n  "hello": "world"\n}');
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press('Escape');
    expect(await page.locator('dialog[open]').count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it.each(['light', 'dark'] as const)('has nothing in %s that keeps somebody from using it', async (colorScheme) => {
    await cluster.feed('one', 1, noNotification);
    const { page } = await openPage(browser, cluster.address('one'), { colorScheme });
    await untilLive(page);
    await page.locator('#letters .bars li').waitFor();
    await page.locator('summary').click();

    expect(await seriousFindings(page)).toEqual([]);
  });

  it('fits a phone, where only tables scroll', async () => {
    const { page } = await openPage(browser, cluster.address('one'), {
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      isMobile: true,
    });
    await untilLive(page);

    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('can be read with the keyboard alone', async () => {
    const { page } = await openPage(browser, cluster.address('one'));
    await untilLive(page);
    await page.locator('#rates-plot .line').first().waitFor({ state: 'attached' });

    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to what needs attention');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('attention');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowLeft');
    expect(await page.locator('#rates-plot .reading').textContent()).toMatch(
      /^\d\d:\d\d:\d\d {2}outputs [\d.]+, notifications [\d.]+$/,
    );
  });

  it('remembers the colours that were chosen', async () => {
    const { page } = await openPage(browser, cluster.address('one'), { colorScheme: 'light' });
    const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await back();
    for (const _ of [1, 2]) await page.locator('#theme').click();
    await page.reload();

    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
    expect(await back()).not.toBe(light);
  });
});

describe('the page of an agent with a token', { timeout: 60_000 }, () => {
  beforeEach(async () => {
    cluster = await WatchedCluster.start(['one'], ', token_file: token');
  });
  afterEach(() => cluster.close());

  it('asks for it, asks again when it is wrong, and shows nothing before', async () => {
    const { page } = await openPage(browser, cluster.address('one'));
    const enter = async (token: string) => {
      await page.locator('#token-form:not([hidden])').waitFor();
      await page.locator('#token').fill(token);
      await page.keyboard.press('Enter');
    };
    await page.locator('#token-form:not([hidden])').waitFor();
    expect(await page.locator('#owners tbody tr').count()).toBe(0);

    await enter('wrong');
    await enter('open-sesame');

    await untilLive(page);
    expect(await page.locator('#owners tbody tr').count()).toBe(1);
  });
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openBrowser, openPage, untilLive } from './browser.ts';
import { WatchedCluster } from './cluster-under-watch.ts';

let browser: Browser;
let cluster: WatchedCluster;
let target: Server;
let answer: number;
let taken: number;

beforeEach(async () => {
  answer = 400;
  taken = 0;
  target = createServer((request, response) => {
    request.resume().on('end', () => {
      if (answer === 200) taken += 1;
      response.writeHead(answer).end();
    });
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  const { port } = target.address() as AddressInfo;
  cluster = await WatchedCluster.start(['one'], '', `http://127.0.0.1:${port}/`);
  browser = await openBrowser();
});
afterEach(async () => {
  await browser.close();
  await cluster.close();
  target.closeAllConnections();
  await new Promise((resolve) => target.close(resolve));
});

it('a dead letter is tried again from the page, and leaves it once its target took it', { timeout: 60_000 }, async () => {
  await cluster.feed('one', 1);
  const { page, faults } = await openPage(browser, cluster.address('one'));
  await untilLive(page);
  await page.locator('#letters button', { hasText: 'show' }).first().waitFor();
  const before = Number(await page.locator('#tiles [data-key="dead letters"] b').textContent());

  answer = 200;
  await page.locator('#letters button', { hasText: 'show' }).first().click();
  await page.locator('dialog[open] button', { hasText: 'Try again' }).click();
  await page.locator('#letters [role="status"]', { hasText: 'Try again: 1 dead letter.' }).waitFor();
  await page.waitForFunction(
    (letters) => Number(document.querySelector('#tiles [data-key="dead letters"] b')?.textContent) === letters,
    before - 1,
  );

  expect(taken).toBe(1);
  expect(faults).toEqual([]);
});

it('a dead letter is dropped from the page', { timeout: 60_000 }, async () => {
  await cluster.feed('one', 1);
  const { page } = await openPage(browser, cluster.address('one'));
  await untilLive(page);
  await page.locator('#letters button', { hasText: 'show' }).first().click();
  await page.locator('dialog[open] button', { hasText: 'Drop' }).click();
  await page.locator('#letters', { hasText: 'There are none.' }).waitFor({ state: 'attached' });

  await page.waitForFunction(() => document.querySelector('#tiles [data-key="dead letters"] b')?.textContent === '0');
  expect(taken).toBe(0);
});

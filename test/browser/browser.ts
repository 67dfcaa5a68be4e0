import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** The real one, as Debian has it; `CHROMIUM` is set by `npm run test:browser`. */
export function openBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'];
  if (executablePath === undefined) throw new Error('CHROMIUM names no browser; npm run test:browser sets it');
  return chromium.launch({
    executablePath,
    // It is root in a container, and asks nobody outside anything.
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
}

export interface WatchedPage {
  readonly page: Page;
  /** What went wrong in the page itself, a refused file or connection included. */
  readonly faults: readonly string[];
  /** Addresses that it asked and that are not the agent's. */
  readonly strangers: readonly string[];
}

export async function openPage(browser: Browser, address: string, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  const strangers: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|401/.test(message.text()))
      faults.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(address)) strangers.push(request.url());
  });
  await page.goto(address);
  return { page, faults, strangers };
}

/** Live, and drawn at least once. */
export async function untilLive(page: Page): Promise<void> {
  await page.locator('#live[data-state="live"]').waitFor();
  await page.locator('#owners tbody tr').first().waitFor();
}

interface AxeFinding {
  readonly id: string;
  readonly impact: string | null;
  readonly help: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** What axe-core finds serious or critical. It is put in past the page's own policy, which lets no script of others in. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const violations = (await page.evaluate('axe.run(document).then((result) => result.violations)')) as readonly AxeFinding[];
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, help, nodes }) =>
        `${id}: ${help}: ${nodes
          .map(({ html }) => html)
          .slice(0, 3)
          .join(' ')}`,
    );
}

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Health } from '../../../src/admin/health.ts';
import { pageRoutes } from '../../../src/admin/routes/page.ts';
import { type Admin, startAdmin } from '../../../src/admin/server.ts';
import { projectDir } from '../../run/program.ts';

const folder = join(projectDir, 'src/page');
let admin: Admin;

beforeEach(async () => {
  admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    token: 'secret',
    health: new Health(),
    version: '1.2.3',
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    status: async () => null,
    routes: await pageRoutes(),
  });
});
afterEach(() => admin.close());

describe('the page', () => {
  it('is had by anybody, since it holds nothing, and lets in nothing but our own files', async () => {
    const page = await fetch(admin.address);
    const policy = page.headers.get('content-security-policy') ?? '';

    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(policy).toMatch(/^default-src 'none';/);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect((await fetch(`${admin.address}/page/style.css`)).headers.get('content-type')).toBe('text/css; charset=utf-8');
  });

  it('gives no other file', async () => {
    for (const path of [
      '/page/',
      '/page/main.ts',
      '/page/tsconfig.json',
      '/page/..%2Fcli%2Fmain.ts',
      '/page/%2e%2e/package.json',
    ])
      expect([401, 404], path).toContain((await fetch(admin.address + path)).status);
  });

  it('names only files that there are, and no address outside', async () => {
    const html = await readFile(join(folder, 'index.html'), 'utf8');
    const there = (await readdir(folder)).map((name) => `/page/${name.replace(/\.ts$/, '.js')}`);
    const named = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path = '']) => path);

    expect(named.length).toBeGreaterThan(4);
    for (const path of named.filter((each) => each.startsWith('/page/'))) expect(there).toContain(path);
    for (const name of (await readdir(folder)).filter((each) => !each.endsWith('.json')))
      expect(
        (await readFile(join(folder, name), 'utf8')).match(/https?:\/\/(?!www\.w3\.org\/2000\/svg)[^'"\s)]+/g),
        name,
      ).toBeNull();
    expect(html).not.toMatch(/ style=| on\w+=/);
  });
});

import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Route } from '../route.ts';

/** Beside this room in `src` as in `dist`, where the scripts are compiled. */
const folder = fileURLToPath(new URL('../../page', import.meta.url));
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing but our own files and our own interface, and nobody may put the page into a frame. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * The page at `/` and its files. They hold nothing of the agent, so everybody may have them; what they show they ask for, with the token
 * where there is one.
 */
export async function pageRoutes(): Promise<readonly Route[]> {
  const names = (await readdir(folder)).filter((name) => types[extname(name)] !== undefined);
  return await Promise.all(
    names.map(async (name): Promise<Route> => {
      const content = await readFile(join(folder, name));
      return {
        method: 'GET',
        path: name === 'index.html' ? '/' : `/page/${name}`,
        summary: 'The page for people.',
        open: true,
        handle: async (_asked, reply) =>
          reply
            .header('content-security-policy', policy)
            .type(types[extname(name)] ?? '')
            .send(content),
      };
    }),
  );
}

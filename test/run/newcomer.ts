import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Clone } from './newcomer/clone.ts';
import { commandBlocks } from './newcomer/command-blocks.ts';
import { projectDir } from './program.ts';
import { type Check, runChecks, type Tally } from './report.ts';

// Somebody new clones HEAD into an empty folder and follows README.md, then the pages of docs/, block by block. What a block starts is gone
// with the block. How a block says what it prints: see newcomer/command-blocks.ts.

const docs = (await readdir(join(projectDir, 'docs'))).filter((name) => name.endsWith('.md')).sort();
const pages = ['README.md', ...docs.map((name) => join('docs', name))];
const blocks = (
  await Promise.all(pages.map(async (page) => commandBlocks(page, await readFile(join(projectDir, page), 'utf8'))))
).flat();

const site: { clone: Clone | null } = { clone: null };

const checks = blocks.map((block): Check => {
  const [first = ''] = block.chunks[0]?.commands ?? [];
  return {
    id: `${block.page}:${block.line}`,
    about: first,
    run: async (): Promise<Tally> => {
      site.clone ??= await Clone.make();
      const fault = await site.clone.run(block);
      if (fault !== null) console.log(`${block.page}:${block.line}: ${fault}`);
      return fault === null ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
    },
  };
});

// The name of a page stands for all of its blocks.
const ids = process.argv.slice(2).flatMap((id) => {
  const ofPage = blocks.filter((block) => block.page === id).map(({ page, line }) => `${page}:${line}`);
  return ofPage.length > 0 ? ofPage : [id];
});

try {
  await runChecks(checks, ids);
} finally {
  await site.clone?.remove();
}

import { programCheck } from './program.ts';
import { runChecks } from './report.ts';
import { runVitest } from './vitest-run.ts';

// Everything a review would ask of a change, without a server: a minute or two.

const bin = (name: string) => `node_modules/.bin/${name}`;

await runChecks(
  [
    {
      id: 'lint',
      about: 'format, lint, who may import whom',
      run: () => programCheck(bin('biome'), ['check', '--error-on-warnings', '.']),
    },
    {
      id: 'types',
      about: 'strict TypeScript over src, test and bench, and over the page, which runs in a browser',
      run: async () => {
        const here = await programCheck(bin('tsc'), ['--noEmit', '-p', '.']);
        if (here.failed > 0) return here;
        const page = await programCheck(bin('tsc'), ['--noEmit', '-p', 'src/page']);
        return page.failed > 0 ? page : await programCheck(bin('tsc'), ['--noEmit', '-p', 'test/browser']);
      },
    },
    { id: 'unused', about: 'files, exports and dependencies that nothing uses', run: () => programCheck(bin('knip'), []) },
    {
      id: 'generated',
      about: 'schemas and reference pages equal what the code says',
      run: () => programCheck(bin('tsx'), ['test/run/generate.ts', '--check']),
    },
    { id: 'unit', about: 'unit tests', run: () => runVitest(['test/unit/']) },
  ],
  process.argv.slice(2),
);

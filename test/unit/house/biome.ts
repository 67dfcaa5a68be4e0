import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const projectDir = fileURLToPath(new URL('../../..', import.meta.url));

export interface LintReport {
  readonly summary: { readonly changed: number; readonly unchanged: number };
  readonly diagnostics: readonly {
    readonly severity: string;
    readonly category: string;
    readonly message: string;
    readonly location: { readonly path: string; readonly start: { readonly line: number } };
  }[];
}

/** Lints the paths inside `dir` with the `biome.json` found there. A non-zero exit only says that it found something. */
export function lint(dir: string, paths: readonly string[]): Promise<LintReport> {
  const args = ['lint', '--reporter=json', '--max-diagnostics=none', '--vcs-enabled=false', ...paths];
  return new Promise((resolve, reject) => {
    const program = `${projectDir}node_modules/.bin/biome`;
    execFile(program, args, { cwd: dir, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (stdout.startsWith('{')) resolve(JSON.parse(stdout) as LintReport);
      else reject(new Error(`biome gave no report: ${stderr}`, { cause: error }));
    });
  });
}

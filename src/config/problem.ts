export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong in a configuration file; line 0 for what stands in none (a variable, a flag). `message` says what and what was expected; `hint` what to try. */
export interface Problem extends Position {
  readonly file: string;
  /** Where inside the file: `transform.0.rate_of_change.target`. Empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly hint: string | null;
}

/** `file:line:column path: message; hint`, as editors and people read it. */
export function formatProblem(problem: Problem): string {
  const path = problem.path === '' ? '' : `${problem.path}: `;
  const hint = problem.hint === null ? '' : `; ${problem.hint}`;
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  return `${place} ${path}${problem.message}${hint}`;
}

export function formatPath(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}

/** Every problem of every file that was read, not the first only: an operator fixes them in one go. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

/** Ends a command with a message on stderr and an exit code: 1 failed, 2 usage. Anything else thrown is our bug and shows its stack. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly exitCode: 1 | 2 | 3;
  constructor(message: string, exitCode: 1 | 2 | 3 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

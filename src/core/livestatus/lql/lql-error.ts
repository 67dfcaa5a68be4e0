/** A request that cannot be answered: `code` as mk_livestatus gives it, the message is the body of the answer. */
export class LqlError extends Error {
  override readonly name = 'LqlError';
  readonly code: 400 | 404 | 413 | 450 | 452;
  constructor(code: 400 | 404 | 413 | 450 | 452, message: string) {
    super(message);
    this.code = code;
  }
}

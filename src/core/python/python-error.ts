export type PythonErrorKind =
  | 'TypeError'
  | 'ValueError'
  | 'KeyError'
  | 'IndexError'
  | 'AttributeError'
  | 'OverflowError'
  | 'MemoryError'
  | 'NotImplementedError'
  | 're.error';

/** An exception Python would have raised here. The kind matters: Ceilometer catches some kinds and requeues on others. */
export class PythonError extends Error {
  override readonly name = 'PythonError';
  readonly kind: PythonErrorKind;
  constructor(kind: PythonErrorKind, message: string) {
    super(`${kind}: ${message}`);
    this.kind = kind;
  }
}

/** What became of something in Ceilometer's files: taken as it is, left out, or done differently. Nothing is dropped without one. */
export interface Note {
  readonly file: string;
  readonly line: number;
  readonly level: 'took' | 'ignored' | 'changed';
  readonly text: string;
  /** The sink of the file that it is about, by its name there. */
  readonly sink?: string;
}

export function formatNote(note: Note): string {
  return `${note.file}:${note.line} ${note.level}: ${note.text}`;
}

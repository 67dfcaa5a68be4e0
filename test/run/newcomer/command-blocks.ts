/**
 * The command blocks of a page: those in the language `sh` or `console`. Commands that are not meant to be run stand in a block without a
 * language. After the language may stand
 *
 * - `fails`: the last command is to end with another code than 0
 * - `page`: its one command goes on for ever, and serves the page at the address that its comment names; somebody looks (test/browser/watch-page.ts)
 * - `docker`: it wants a Docker engine, and leaves containers behind, which are removed after it
 *
 * | language  | command | shown output |
 * |-----------|---------|--------------|
 * | `sh`      | each line | `# …` lines directly below it; after an empty line a comment is a remark |
 * | `console` | after `$ `, continued after `> ` | all other lines |
 */
export interface CommandBlock {
  readonly page: string;
  /** Where its fence stands. */
  readonly line: number;
  readonly fails: boolean;
  readonly watched: boolean;
  readonly docker: boolean;
  readonly chunks: readonly Chunk[];
}

/** Commands, and what they are said to print. Null: nothing is said. */
export interface Chunk {
  readonly commands: readonly string[];
  readonly shown: readonly string[] | null;
  /** The shown lines are all of the output, not a part of it. */
  readonly whole: boolean;
}

export function commandBlocks(page: string, markdown: string): readonly CommandBlock[] {
  const blocks: CommandBlock[] = [];
  const lines = markdown.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const [, indent = '', fence = '', language = '', words = ''] = /^(\s*)(`{3,})(\S*)[ \t]*(.*)$/.exec(lines[i] ?? '') ?? [];
    if (fence === '') continue;
    const line = i + 1;
    const body: string[] = [];
    for (i += 1; i < lines.length && lines[i]?.trim() !== fence; i++) body.push(withoutIndent(lines[i] ?? '', indent.length));
    if (language !== 'sh' && language !== 'console') continue;
    const chunks = language === 'sh' ? chunksOfShell(body) : chunksOfConsole(body);
    const said = new Set(words.split(/\s+/));
    const how = { fails: said.has('fails'), watched: said.has('page'), docker: said.has('docker') };
    blocks.push({ page, line, ...how, chunks });
  }
  return blocks;
}

function chunksOfShell(lines: readonly string[]): readonly Chunk[] {
  const chunks: Draft[] = [];
  let open: Draft | null = null;
  let heredoc: string | null = null;
  for (const line of lines) {
    if (heredoc !== null) {
      open?.commands.push(line);
      if (line.trim() === heredoc) heredoc = null;
    } else if (line.trim() === '') {
      open = null;
    } else if (line.startsWith('#')) {
      if (open !== null) open.shown = [...(open.shown ?? []), line.replace(/^# ?/, '')];
    } else {
      if (open === null || open.shown !== null) {
        open = { commands: [], shown: null, whole: false };
        chunks.push(open);
      }
      open.commands.push(line);
      heredoc = /<<-?\s*['"]?(\w+)['"]?/.exec(line)?.[1] ?? null;
    }
  }
  return chunks;
}

function chunksOfConsole(lines: readonly string[]): readonly Chunk[] {
  const chunks: Draft[] = [];
  for (const line of lines) {
    const open = chunks.at(-1);
    if (line.startsWith('$ ')) chunks.push({ commands: [line.slice(2)], shown: null, whole: true });
    else if (line.startsWith('> ') && open !== undefined && open.shown === null) open.commands.push(line.slice(2));
    else if (open !== undefined) open.shown = [...(open.shown ?? []), line];
  }
  return chunks;
}

interface Draft {
  readonly commands: string[];
  shown: string[] | null;
  readonly whole: boolean;
}

function withoutIndent(line: string, width: number): string {
  return line.slice(0, width).trim() === '' ? line.slice(width) : line;
}

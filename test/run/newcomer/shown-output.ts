import { stripVTControlCharacters } from 'node:util';
import type { Chunk } from './command-blocks.ts';

/**
 * Is what was printed what the page shows? `…` inside a line stands for anything, a line of it alone for any lines. What a `sh` block shows may be
 * a part of the output, what a `console` block shows is all of it.
 */
export function printsAsShown({ shown, whole }: Chunk, printed: string): boolean {
  if (shown === null) return true;
  const lines = tidy(shown.join('\n'));
  const pattern = whole ? lines : ['…', ...lines, '…'];
  return new RegExp(`^${pattern.map(linePattern).join('')}$`).test(
    tidy(printed)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

function linePattern(line: string): string {
  if (line === '…') return '(?:[^\\n]*\\n)*';
  return `${line.split('…').map(literally).join('[^\\n]*')}\\n`;
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** Colours, spaces at the ends of lines and empty lines at both ends say nothing. */
function tidy(text: string): readonly string[] {
  const lines = stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.trimEnd());
  const first = lines.findIndex((line) => line !== '');
  return first < 0 ? [] : lines.slice(first, lines.findLastIndex((line) => line !== '') + 1);
}

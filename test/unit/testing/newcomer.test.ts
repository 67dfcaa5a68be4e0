import { describe, expect, it } from 'vitest';
import { commandBlocks } from '../../run/newcomer/command-blocks.ts';
import { printsAsShown } from '../../run/newcomer/shown-output.ts';

const page = `# Page

\`\`\`sh
# A remark.
npm ci &&
  npm run demo
# 5 of 5
#   … identical
echo next
\`\`\`

\`\`\`yaml
a: 1
\`\`\`

- in a list:

  \`\`\`console fails
  $ cat <<EOF |
  > wc -l
  1
  $ false
  \`\`\`

\`\`\`
never run
\`\`\`

\`\`\`sh
cat <<'EOF' > x
# not a remark

EOF
\`\`\`
`;

describe('the command blocks of a page', () => {
  it('are those in the language sh or console, with what they print', () => {
    expect(commandBlocks('p.md', page)).toEqual([
      {
        page: 'p.md',
        line: 3,
        fails: false,
        watched: false,
        docker: false,
        chunks: [
          { commands: ['npm ci &&', '  npm run demo'], shown: ['5 of 5', '  … identical'], whole: false },
          { commands: ['echo next'], shown: null, whole: false },
        ],
      },
      {
        page: 'p.md',
        line: 18,
        fails: true,
        watched: false,
        docker: false,
        chunks: [
          { commands: ['cat <<EOF |', 'wc -l'], shown: ['1'], whole: true },
          { commands: ['false'], shown: null, whole: true },
        ],
      },
      {
        page: 'p.md',
        line: 29,
        fails: false,
        watched: false,
        docker: false,
        chunks: [{ commands: ["cat <<'EOF' > x", '# not a remark', '', 'EOF'], shown: null, whole: false }],
      },
    ]);
  });
});

describe('what a command prints', () => {
  const part = (...shown: string[]) => ({ commands: [], shown, whole: false });
  const whole = (...shown: string[]) => ({ commands: [], shown, whole: true });

  it.each([
    ['may be more than a part that is shown', part('b', 'c'), 'a\nb\nc\nd\n'],
    ['may be anything where nothing is shown', { commands: [], shown: null, whole: true }, 'x\n'],
    ['may have a … in a line', whole('… of 5 (a.b)'), '4 of 5 (a.b)\n'],
    ['may have lines for a … of its own', whole('a', '…', 'c'), 'a\n1\n2\nc\n'],
    ['may have none for it', whole('a', '…', 'c'), 'a\nc\n'],
    ['may be coloured', whole('✓ a'), '\u001b[32m✓\u001b[39m a  \n\n'],
  ])('%s', (_title, chunk, printed) => {
    expect(printsAsShown(chunk, printed)).toBe(true);
  });

  it.each([
    ['another line', part('b'), 'a\nc\n'],
    ['a line between', part('a', 'b'), 'a\nx\nb\n'],
    ['more than the whole', whole('a'), 'a\nb\n'],
    ['less than the whole', whole('a', 'b'), 'a\n'],
    ['what only looks alike to a pattern', whole('a.b'), 'axb\n'],
    ['nothing', part('a'), ''],
  ])('is not as shown when it is %s', (_title, chunk, printed) => {
    expect(printsAsShown(chunk, printed)).toBe(false);
  });
});

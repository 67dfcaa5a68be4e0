import { Command } from 'commander';
import { bashScript, fishScript, type Words, wordsOf, zshScript } from '../completion/scripts.ts';
import { CliFailure } from '../failure.ts';

const scripts: Readonly<Record<string, (words: readonly Words[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export function completionCommand(): Command {
  return new Command('completion')
    .description('Print what lets a shell complete commands and options.')
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph completion bash > /etc/bash_completion.d/ceilograph\n' +
        '  ceilograph completion zsh > /usr/local/share/zsh/site-functions/_ceilograph\n' +
        '  ceilograph completion fish > ~/.config/fish/completions/ceilograph.fish\n',
    )
    .action((shell: string, _options: object, command: Command) => {
      const script = scripts[shell];
      if (script === undefined) throw new CliFailure(`completion takes ${Object.keys(scripts).join(', ')}; not ${shell}`, 2);
      process.stdout.write(script(wordsOf(command.parent ?? command)));
    });
}

import type { Command } from 'commander';

/** What may follow a command: `path` is `''`, `status`, `mail list`. */
export interface Words {
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly { readonly name: string; readonly about: string; readonly takesValue: boolean }[];
}

/** A command and all below it. */
export function wordsOf(command: Command, path = ''): readonly Words[] {
  const own: Words = {
    path,
    commands: command.commands.map((child) => ({ name: child.name(), about: oneLine(child.description()) })),
    options: [
      ...command.options,
      ...(path === '' ? [] : [{ long: '--help', description: 'what it takes', flags: '--help' }]),
    ].flatMap(({ long, description, flags }) =>
      typeof long === 'string' ? [{ name: long, about: oneLine(description), takesValue: /[<[]/.test(flags) }] : [],
    ),
  };
  return [own, ...command.commands.flatMap((child) => wordsOf(child, `${path} ${child.name()}`.trim()))];
}

/** Words of the commands so far choose what is offered; where nothing is, files are. */
export function bashScript(words: readonly Words[]): string {
  return `# bash completion for ceilograph
${shellWords(words)}
_ceilograph() {
  local path='' word found
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    found="\${path:+$path }$word"
    if _ceilograph_words "$found" >/dev/null; then path=$found; fi
  done
  mapfile -t COMPREPLY < <(compgen -W "$(_ceilograph_words "$path")" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _ceilograph ceilograph
`;
}

export function zshScript(words: readonly Words[]): string {
  return `#compdef ceilograph
${shellWords(words)}
_ceilograph() {
  local path_='' word found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    found="\${path_:+$path_ }$word"
    if _ceilograph_words "$found" >/dev/null; then path_=$found; fi
  done
  compadd -- \${=$(_ceilograph_words "$path_")} || _files
}
_ceilograph "$@"
`;
}

export function fishScript(words: readonly Words[]): string {
  const lines = words.flatMap(({ path, commands, options }) => {
    const when =
      path === ''
        ? '__fish_use_subcommand'
        : path
            .split(' ')
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join('; and ');
    return [
      ...commands.map(({ name, about }) => `complete -c ceilograph -n '${when}' -f -a ${name} -d ${quoted(about)}`),
      ...options.map(
        ({ name, about, takesValue }) =>
          `complete -c ceilograph -n '${when}' -l ${name.slice(2)}${takesValue ? ' -r' : ''} -d ${quoted(about)}`,
      ),
    ];
  });
  return `# fish completion for ceilograph\n${lines.join('\n')}\n`;
}

/** A function for both shells: the words after a path, and false for what is no path. */
function shellWords(words: readonly Words[]): string {
  const cases = words.map(({ path, commands, options }) => {
    const all = [...commands.map(({ name }) => name), ...options.map(({ name }) => name)];
    return `    ${path === '' ? "''" : `'${path}'`}) echo '${all.join(' ')}' ;;`;
  });
  return `_ceilograph_words() {
  case $1 in
${cases.join('\n')}
    *) return 1 ;;
  esac
}`;
}

function oneLine(text: string): string {
  return (text.split('\n')[0] ?? '').trim();
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

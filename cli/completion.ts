import type { Command, Option } from 'commander';

export type Shell = 'bash' | 'zsh' | 'fish';

/** A command by the words that lead to it, such as `group set`, and what may follow it. */
type Node = { path: string; words: Word[]; takesFiles: boolean };
type Word = { text: string; what: string; option?: Option };

/** The script by which a shell completes the commands of a program, written from the tree of its commands. */
export function formatCompletion(program: Command, shell: Shell): string {
  const nodes = toNodes(program, []);
  return { bash: formatBash, zsh: formatZsh, fish: formatFish }[shell](nodes);
}

function toNodes(command: Command, path: readonly string[]): Node[] {
  const children = command.commands;
  const words: Word[] = [
    ...children.flatMap((child) =>
      [child.name(), ...child.aliases()].map((text) => ({
        text,
        what: child.summary() || child.description(),
      })),
    ),
    ...command.options.flatMap((option) =>
      option.long === undefined || option.hidden
        ? []
        : [{ text: option.long, what: option.description, option }],
    ),
    { text: '--help', what: 'show help' },
  ];
  const takesFiles = command.registeredArguments.some((argument) =>
    /^(file|folder|dir)$/.test(argument.name()),
  );
  return [
    { path: path.join(' '), words, takesFiles },
    ...children.flatMap((child) =>
      [child.name(), ...child.aliases()].flatMap((name) => toNodes(child, [...path, name])),
    ),
  ];
}

/** Text in single quotes. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** The values that an option takes, where they are few. */
function choicesOf(node: Node): { text: string; choices: readonly string[] }[] {
  return node.words.flatMap(({ text, option }) =>
    option?.argChoices === undefined ? [] : [{ text, choices: option.argChoices }],
  );
}

function formatBash(nodes: readonly Node[]): string {
  const cases = nodes.map(
    ({ path, words, takesFiles }) =>
      `    ${quoted(path)}) words=${quoted(words.map(({ text }) => text).join(' '))}; files=${takesFiles ? 1 : 0} ;;`,
  );
  const choices = nodes.flatMap((node) =>
    choicesOf(node).map(
      ({ text, choices: values }) =>
        `    ${quoted(`${node.path} ${text}`)}) COMPREPLY=($(compgen -W ${quoted(values.join(' '))} -- "$current")); return ;;`,
    ),
  );
  return `_rollcall() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path='' word words='' files=0
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " ${nodes.map(({ path }) => path.replaceAll(' ', '_')).join(' ')} " in
      *" \${path:+\${path// /_}_}\${word} "*) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path $previous" in
${choices.join('\n')}
  esac
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ ( $files = 1 && $current != -* ) || $previous = --data || $previous = --annotate ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _rollcall rollcall
`;
}

function formatZsh(nodes: readonly Node[]): string {
  const described = ({ text, what }: Word): string => quoted(`${text}:${what.replaceAll(':', ' ')}`);
  const cases = nodes.map(
    ({ path, words, takesFiles }) =>
      `    ${quoted(path)}) words_=(${words.map(described).join(' ')}); files=${takesFiles ? 1 : 0} ;;`,
  );
  const choices = nodes.flatMap((node) =>
    choicesOf(node).map(
      ({ text, choices: values }) =>
        `    ${quoted(`${node.path} ${text}`)}) compadd -- ${values.join(' ')}; return ;;`,
    ),
  );
  return `#compdef rollcall
_rollcall() {
  local path_='' word files=0
  local -a words_ known
  known=(${nodes.map(({ path }) => quoted(path)).join(' ')})
  for word in "\${(@)words[2,CURRENT-1]}"; do
    local next="\${path_:+$path_ }$word"
    (( \${known[(Ie)$next]} )) && path_="$next"
  done
  case "$path_ $words[CURRENT-1]" in
${choices.join('\n')}
  esac
  case "$path_" in
${cases.join('\n')}
  esac
  _describe rollcall words_
  (( files )) && _files
}
if [ "$funcstack[1]" = _rollcall ]; then _rollcall "$@"; else compdef _rollcall rollcall; fi
`;
}

function formatFish(nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, words, takesFiles }) => [
    ...words.map(({ text, what, option }) => {
      const when = `-n ${quoted(`test "$(__rollcall_path)" = "${path}"`)}`;
      const values = option?.argChoices === undefined ? '' : ` -xa ${quoted(option.argChoices.join(' '))}`;
      const needs = option?.required === true && values === '' ? ' -r' : '';
      const word = text.startsWith('--') ? `-l ${text.slice(2)}${needs}${values}` : `-a ${text}`;
      return `complete -c rollcall ${when} ${word} -d ${quoted(what)}`;
    }),
    ...(takesFiles ? [`complete -c rollcall -n ${quoted(`test "$(__rollcall_path)" = "${path}"`)} -F`] : []),
  ]);
  return `function __rollcall_path
  set -l path
  set -l known ${nodes.map(({ path }) => quoted(path)).join(' ')}
  for word in (commandline -opc)[2..]
    set -l next (string trim "$path $word")
    contains -- "$next" $known; and set path $next
  end
  echo $path
end
complete -c rollcall -f
${lines.join('\n')}
`;
}

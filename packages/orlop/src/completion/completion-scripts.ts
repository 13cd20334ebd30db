// Each asks orlop itself for what a word may become, a line each with a tab before what it is: so what is offered is what
// the tables of commands and flags have.

/** bash parts words at `:` and `=` as well, and wants no more than what stands behind the last of them. */
const BASH = `# bash completion for orlop; load it with: source <(orlop completion bash)
_orlop() {
  local line=\${COMP_LINE:0:COMP_POINT} words word lines start
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  mapfile -t lines < <("\${words[0]}" _complete -- "\${words[@]:1}" 2>/dev/null)
  word=\${words[-1]}
  start=\${word%"\${word##*[:=]}"}
  COMPREPLY=()
  for word in "\${lines[@]}"; do
    word=\${word%%$'\\t'*}
    COMPREPLY+=("\${word#"$start"}")
  done
}
complete -o default -F _orlop orlop
`;

const ZSH = `#compdef orlop
# zsh completion for orlop; load it with: source <(orlop completion zsh)
_orlop() {
  local -a found described
  local line
  found=("\${(@f)$("\${words[1]}" _complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "\${found[@]}"; do
    [[ -n $line ]] && described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#described} )); then
    _describe orlop described
  else
    _files
  fi
}
if [[ $funcstack[1] == _orlop ]]; then
  _orlop "$@"
else
  compdef _orlop orlop
fi
`;

const FISH = `# fish completion for orlop; load it with: orlop completion fish | source
function __orlop_complete
    set -l words (commandline -opc)
    $words[1] _complete -- $words[2..] (commandline -ct) 2>/dev/null
end
complete -c orlop -a '(__orlop_complete)'
`;

export const COMPLETION_SCRIPTS: ReadonlyMap<string, string> = new Map([
  ["bash", BASH],
  ["zsh", ZSH],
  ["fish", FISH],
]);

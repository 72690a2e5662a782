#compdef bough
# Completion of `bough` and `git bough` for zsh: eval "$(bough completions zsh)", after compinit.

_bough() {
  local -a candidates folders before
  before=("${(@Q)words[2,CURRENT-1]}")
  candidates=("${(@f)$(@PYTHON@ -I -S @COMPLETE@ $((CURRENT - 1)) bough "$before[@]" "${(Q)PREFIX}" 2>/dev/null)}")
  folders=(${(M)candidates:#*/})
  candidates=(${candidates:#(*/|)})
  compadd -a -- candidates
  compadd -S '' -a -- folders
}

# zsh's completion of git calls this for `git bough …`, with words beginning at the subcommand.
_git-bough() {
  _bough
}

if [[ $funcstack[1] = _bough ]]; then
  _bough "$@"
else
  compdef _bough bough
fi

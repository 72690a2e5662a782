# Completion of `bough` and `git bough` for bash 3.2 and later: eval "$(bough completions bash)"

# Asks bough for candidates: the words so far without the command itself, then the one at hand.
_bough_ask() {
  @PYTHON@ -I -S @COMPLETE@ "$#" bough "$@" 2>/dev/null
}

# Readline splits words at : = and @, too, which addresses, options and branches contain. This joins
# what no blank separates; $1 is the first word that counts, the result is in $words.
_bough_words() {
  local line="${COMP_LINE:0:COMP_POINT}" index token joined
  words=()
  for ((index = 0; index <= COMP_CWORD; index++)); do
    token="${COMP_WORDS[index]}"
    joined="${line%%[![:blank:]]*}"
    line="${line#"$joined"}"
    ((index < COMP_CWORD)) || token="$line"
    line="${line#"$token"}"
    if ((index > $1)) && [[ -z $joined ]]; then
      words[${#words[@]} - 1]+="$token"
    elif ((index >= $1)); then
      words+=("$token")
    fi
  done
}

# Answers for the command that begins at word $1; the other arguments go before what was typed.
_bough_reply() {
  local words word quote head breaks candidate
  _bough_words "$1"
  local current="${words[${#words[@]} - 1]}"
  quote=
  case $current in [\"\']*) quote="${current:0:1}" ;; esac
  local -a plain=("${@:2}")
  for word in "${words[@]:1}"; do
    word="${word#[\"\']}"
    plain+=("${word//\\/}")
  done
  COMPREPLY=()
  current="${plain[${#plain[@]} - 1]}"
  # What stands before the last of them stays on the line; the rest is replaced, with an @ itself.
  head=
  breaks="${COMP_WORDBREAKS//[!:=@]/}"
  [[ -n $quote || -z $breaks ]] || head="${current%"${current##*[$breaks]}"}"
  head="${head%@}"
  while IFS= read -r candidate; do
    candidate="${candidate#"$head"}"
    if [[ -n $quote ]]; then
      [[ $candidate == *[\'\"\\\$\`!]* ]] && continue
    else
      printf -v candidate %q "$candidate"
    fi
    COMPREPLY+=("$candidate")
  done < <(_bough_ask "${plain[@]}")
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]]; then
    compopt -o nospace 2>/dev/null
  fi
}

_bough() {
  _bough_reply 0
}

# git's own completion calls this for `git bough …`, also with options before the subcommand.
_git_bough() {
  local index
  local -a folder
  for ((index = 1; index < COMP_CWORD; index++)); do
    case ${COMP_WORDS[index]} in
      bough) break ;;
      -C) folder+=(-C "${COMP_WORDS[++index]}") ;;
    esac
  done
  _bough_reply "$index" ${folder[@]+"${folder[@]}"}
}

complete -F _bough bough

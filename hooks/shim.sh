#!/bin/sh
# bough-shim: made by `bough hooks install`; `bough hooks uninstall` puts back what was here.
# It runs the hook that was here before, and bough if this worktree has something for it to do.
event=@EVENT@
recorded=@RECORDED@
nl='
'

# The text of the file $1, without its last newline, in $content.
slurp() {
  content=
  while IFS= read -r line || [ -n "$line" ]; do content="${content:+$content$nl}$line"; done <"$1"
}

chained="${0%/*}/$event.bough-chained"
[ -x "$chained" ] || chained=

# Is there anything to do? Git runs hooks at the worktree's root, so this needs no other process.
wanted=
present=
for file in bough .bough .config/bough .config/.bough; do
  for file in "$file.yml" "$file.yaml" "$file.local.yml" "$file.local.yaml"; do
    if [ -e "$file" ]; then
      wanted=config
      present="$present $file"
    fi
  done
done
common=.git
own=.git
if [ -f .git ]; then
  slurp .git
  common="${content#gitdir: }"
  own="$common"
  # A submodule's folder has no commondir: it is no linked worktree.
  if [ -f "$common/commondir" ]; then
    # Checked out from nothing, and not marked: plain git has just created this worktree.
    case $event$3$1 in
      post-checkout1*[!0]*) ;;
      post-checkout1*) [ -e "$common/bough-worktree" ] || wanted=creation ;;
    esac
    slurp "$common/commondir"
    case $content in
      /*) common="$content" ;;
      *) common="$common/$content" ;;
    esac
  fi
fi
[ "$BOUGH" = 0 ] && wanted=

# What bough noted when it last read this configuration counts while not a byte of it has changed.
if [ "$wanted" = config ] && [ -f "$own/bough-events" ]; then
  { read -r declared && read -r sources && read -r sum; } <"$own/bough-events"
  for file in $present; do
    case " $sources " in *" $file "*) ;; *) sum= ;; esac
  done
  # -p: the system's own tools, whatever PATH says.
  # shellcheck disable=SC2086  # names without anything special
  if [ -n "$sum" ] && [ "$(command -p cat $sources 2>&1 | command -p cksum)" = "$sum" ]; then
    case " $declared " in *" $event "*) ;; *) wanted= ;; esac
  fi
fi

if [ -z "$wanted" ]; then
  [ -z "$chained" ] || exec "$chained" "$@"
  exit 0
fi

# Whether the folder $1 lies in a worktree: what a branch contains must not pose as bough.
inside() {
  home=$(cd "$common" && pwd -P)
  case ${home##*/} in .*) home="${home%/*}" ;; esac
  case $1/ in "$(pwd -P)"/* | "$home"/*) return 0 ;; esac
  for file in "$common"/worktrees/*/gitdir; do
    [ -f "$file" ] || continue
    slurp "$file"
    content="${content%/.git}"
    case $content in
      /*) ;;
      *) content=$(cd "${file%/*}" && cd "$content" 2>/dev/null && pwd -P) || continue ;;
    esac
    case $1/ in "$content"/*) return 0 ;; esac
  done
  return 1
}

# Whether $1 can be run, and lies outside of every worktree.
usable() {
  [ -f "$1" ] && [ -x "$1" ] && ! inside "$(cd "${1%/*}" && pwd -P)"
}

# The first bough that may be run, in $bough; what is wrong with an explicit one, in $wrong.
find_bough() {
  bough="$BOUGH_BIN"
  wrong="BOUGH_BIN is $BOUGH_BIN"
  [ -n "$bough" ] || bough=$(git config --type=path --get bough.command)
  [ -n "$BOUGH_BIN" ] || wrong="git's configuration says bough.command = $bough"
  if [ -n "$bough" ]; then
    case $bough in /*) [ -f "$bough" ] && [ -x "$bough" ] && return 0 ;; esac
    return 1
  fi
  wrong=
  set -f
  IFS=:
  for folder in $PATH; do
    unset IFS
    set +f
    bough="$folder/bough"
    case $folder in /*) usable "$bough" && return 0 ;; esac
  done
  unset IFS
  set +f
  bough="$recorded"
  usable "$bough"
}

missing() {
  echo "bough: cannot run for $event: ${wrong:-bough was not found outside of this repository}" >&2
  echo "  Say where it is:          git config bough.command /absolute/path/to/bough" >&2
  echo "  Go on without it, once:   BOUGH=0 git ..." >&2
  case $event in pre-*) exit 1 ;; esac
  exit "$status"
}

# The hook that was here goes first. Where git asks for permission, its refusal is the answer.
status=0
if [ -n "$chained" ]; then
  case $event in
    pre-push | post-rewrite)
      # Both read what git sends; the x keeps the newlines at its end.
      sent=$(cat && echo x)
      sent="${sent%x}"
      printf %s "$sent" | "$chained" "$@"
      ;;
    *) "$chained" "$@" ;;
  esac
  status=$?
  case $event in
    pre-* | prepare-commit-msg | commit-msg) [ "$status" = 0 ] || exit "$status" ;;
  esac
fi

find_bough || missing
if [ -n "$sent" ]; then
  printf %s "$sent" | "$bough" __hook "$event" "$@"
else
  "$bough" __hook "$event" "$@"
fi
ran=$?
case $ran in
  126 | 127) # found, but it cannot be started: its Python is gone
    wrong="$bough cannot be started"
    missing
    ;;
esac
[ "$status" = 0 ] || exit "$status"
exit "$ran"

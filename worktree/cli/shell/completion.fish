# Completion of `bough` and `git bough` for fish: bough completions fish | source

# The words before the cursor, from the command on; fails after a git command that is not ours.
function __bough_words
    set -l words (commandline -opc)
    if test "$words[1]" != git
        string join0 -- $words
        return
    end
    set -l folder
    set -l index 2
    while string match -q -- '-*' $words[$index]
        contains -- $words[$index] -C -c; and set index (math $index + 1)
        test "$words[$(math $index - 1)]" = -C; and set -a folder -C $words[$index]
        set index (math $index + 1)
    end
    test "$words[$index]" = bough; or return 1
    string join0 -- bough $folder $words[(math $index + 1)..]
end

function __bough_candidates
    set -l words (__bough_words | string split0)
    set -l current (string unescape -- (commandline -ct) 2>/dev/null; or commandline -ct)
    @PYTHON@ -I -S @COMPLETE@ (count $words) $words "$current" 2>/dev/null
end

complete -c bough -f -a '(__bough_candidates)'
complete -c git -n '__bough_words >/dev/null' -f -a '(__bough_candidates)'

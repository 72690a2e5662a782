"""Templates: what is one, what is wrong with one, and that a value never becomes code."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.hooks.templates import NAMES, faults, render_command, render_value

VALUES = dict.fromkeys(NAMES, "") | {"branch": "feat/x", "worktree_path": "/w t", "repo": "it's"}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("echo {branch}", "echo 'feat/x'"),
        ("echo {branch|raw}", "echo feat/x"),
        ("cd {worktree_path}/a", "cd '/w t'/a"),
        ("echo {repo}", r"echo 'it'\''s'"),
        ('echo "on {branch}!"', 'echo "on "\'feat/x\'"!"'),
        ("echo 'on {branch}!'", "echo 'on ''feat/x''!'"),
        ("echo {env:HOME}", 'echo "${HOME}"'),
        ('echo "{env:HOME}/x"', 'echo """${HOME}""/x"'),
        ("run {0}", "run 'a' 'b c'"),
        ("run {2} {1} {3}|", "run 'b c' 'a' |"),
        ("run {0|raw}", "run a b c"),
        ('x="$(echo {branch})"', "x=\"$(echo 'feat/x')\""),
        ('x="$(echo "{branch}")"', 'x="$(echo ""\'feat/x\'"")"'),
        ("# {branch} isn't\necho {branch}", "# {branch} isn't\necho 'feat/x'"),
        ("echo a#{branch}", "echo a#'feat/x'"),
        ("echo \\\t#{branch}", "echo \\\t#'feat/x'"),
        ("echo $(a)#{branch}", "echo $(a)#'feat/x'"),
        ("echo $((1))#{branch}", "echo $((1))#'feat/x'"),
        ("((1))#{branch}", "((1))#{branch}"),
        ("(a)#{branch}", "(a)#{branch}"),
        ('echo ${A}#{branch} "b"#{branch}', "echo ${A}#'feat/x' \"b\"#'feat/x'"),
        ("echo \\\n# {branch}\necho {branch}", "echo \\\n# {branch}\necho 'feat/x'"),
        ("a\\\n#'{branch}'", "a\\\n#'''feat/x'''"),
        ("echo ${X:-y} {branch}", "echo ${X:-y} 'feat/x'"),
        ("echo $((1 + 2)) {branch}", "echo $((1 + 2)) 'feat/x'"),
        ("echo `date` {branch}", "echo `date` 'feat/x'"),
        ("case x in x) echo {branch};; esac", "case x in x) echo 'feat/x';; esac"),
        ('echo "\\"" {branch}', 'echo "\\"" \'feat/x\''),
    ],
)
def test_a_value_is_quoted_for_its_place(text: str, rendered: str) -> None:
    assert faults(text, command=True, arguments=True) == ()
    assert render_command(text, VALUES, ("a", "b c")) == rendered


@pytest.mark.parametrize(
    "text",
    [
        "",
        "echo ${branch} ${HOME} $${branch}",
        "echo {a,b} {A} {Branch} { echo; } {} {-1} {a b} {a:b} {env:1} {env:}",
        "find . -exec rm {} \\;",
        "awk '{print $1}'",
        "docker ps --format '{{.Names}}' '{{ .ID }}' '{{json .}}'",
        "git log @{u}.. stash@{0} HEAD@{1} @{upstream} @{-1}",
        "echo ${{branch}}",
        "f() { g; }; f",
        "{branch",
        "branch}",
    ],
)
def test_other_braces_are_left_alone(text: str) -> None:
    assert faults(text, command=True, arguments=False) == ()
    assert render_command(text, VALUES, ()) == text
    assert render_value(text, VALUES, ()) == text


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("awk '{{print}}'", "awk '{print}'"),
        ("{{branch}} {{branch|raw}} {{0}} {{env:X}}", "{branch} {branch|raw} {0} {env:X}"),
        ("{{{end}}}", "{{end}}"),
        ("grep -E 'a{{3}}'", "grep -E 'a{3}'"),
    ],
)
def test_two_braces_stand_for_one(text: str, rendered: str) -> None:
    assert faults(text, command=True, arguments=False) == ()
    assert render_command(text, VALUES, ()) == rendered
    assert render_value(text, VALUES, ()) == rendered


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "echo {brnch}",
            (
                "unknown template `{brnch}`; did you mean `branch`? "
                "For these characters themselves write `{{brnch}}`."
            ),
        ),
        (
            "awk '{print}'",
            "unknown template `{print}`. For these characters themselves write `{{print}}`.",
        ),
        (
            "echo {1}",
            (
                "`{1}` stands for an argument, and only tasks and git's own hooks have "
                "arguments. "
                "For these characters themselves write `{{1}}`."
            ),
        ),
        (
            "echo {branch|upper}",
            (
                "`{branch|upper}` has an unknown modifier; only `|raw` exists, and not for `env:`. "
                "For these characters themselves write `{{branch|upper}}`."
            ),
        ),
        (
            "echo {env:X|raw}",
            (
                "`{env:X|raw}` has an unknown modifier; only `|raw` exists, and not for `env:`. "
                "For these characters themselves write `{{env:X|raw}}`."
            ),
        ),
    ],
)
def test_what_looks_like_a_template_and_is_none_is_told(text: str, fault: str) -> None:
    assert faults(text, command=True, arguments=False) == (fault,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo `echo {branch}`", "backquotes"),
        ("echo ${X:-{branch}}", "in or after a ${…}"),
        ("echo $(( {branch} + 1 ))", "arithmetic"),
        ("(( {branch} ))", "arithmetic"),
        ("echo \\{branch}", "backslash"),
        ('echo "\\{branch}"', "backslash"),
        ("cat <<EOF\n{branch}\nEOF", "here-document"),
        ("cat <<'E'\nx\nE\necho {branch}", "here-document"),
        ("echo $'it\\'s' {branch}", "disagree"),
        ('echo $"x" {branch}', "disagree"),
        ('echo "$(case x in x) echo {branch};; esac)"', "case"),
        ("x=$(a # it's\nb {branch})", "comment"),
        ("echo ${X#'} {branch}", "in or after a ${…}"),
        ("echo ${X:-${Y}} {branch}", "in or after a ${…}"),
        ("echo $((1 '+' 2)) {branch}", "arithmetic"),
        ("echo $((1) ) {branch}", "arithmetic"),
        ("echo $(( (1) )) {branch}", "arithmetic"),
        ('echo "$$({branch})"', "disagree"),
        ("echo $\\\n{branch}", "continued"),
        ('echo "$(ca\\\nse x in x) echo {branch};; esac)"', "continued"),
    ],
)
def test_a_template_is_refused_where_its_quotes_are_uncertain(text: str, reason: str) -> None:
    (fault,) = faults(text, command=True, arguments=False)
    assert fault.startswith("`{branch}` cannot be quoted safely here: ")
    assert reason in fault
    with pytest.raises(ValueError, match="cannot be quoted safely"):
        render_command(text, VALUES, ())
    raw = text.replace("{branch}", "{branch|raw}")
    assert faults(raw, command=True, arguments=False) == ()
    assert render_command(raw, VALUES, ()) == text.replace("{branch}", "feat/x")


def test_every_fault_is_told_once() -> None:
    assert len(faults("{x1} {x1} {x2}", command=True, arguments=False)) == 2


def test_outside_of_commands_values_stand_as_they_are() -> None:
    assert render_value("{repo}:{branch|raw}:{0}:{2}:{9}", VALUES, ("a", "b")) == (
        "it's:feat/x:a b:b:"
    )
    (fault,) = faults("{env:HOME}", command=False, arguments=False)
    assert fault.startswith("`{env:HOME}` works in `run` only")


def test_a_caller_may_bring_its_own_names() -> None:
    assert faults("{repo_path}", command=False, arguments=False, names=["repo_path"]) == ()
    (fault,) = faults("{branch_slg}", command=False, arguments=False, names=["branch_slug"])
    assert "did you mean `branch_slug`?" in fault


SHELLS = [["/bin/sh"]] + ([["bash", "--posix"]] if shutil.which("bash") else [])

hostile = st.lists(
    st.sampled_from(
        [
            *"'\"\\`$(){}[]<>|&;*?#~! \t\n=-/%^:,",
            "$(touch pwned)",
            "`touch pwned`",
            "'; touch pwned; '",
            '"; touch pwned; "',
            "${HOME}",
            "EOF\n",
            "{branch}",
            "a",
            "é",
            "\udce9",
        ]
    ),
    max_size=8,
).map("".join)


PLACES = [
    ("printf %s {branch}", "<>"),
    ("printf %s x{branch}y", "x<>y"),
    ('printf %s "[{branch}]"', "[<>]"),
    ("printf %s '[{branch}]'", "[<>]"),
    ('printf %s "$BEFORE{branch}"', "x<>"),
    ('v={branch}; printf %s "$v"', "<>"),
    ('printf %s "$(printf "%s." {branch})"', "<>."),
    ('printf %s "$(printf "%s." "{branch}" \')\')"', "<>.)."),
    ('printf %s "it\'s {branch}"', "it's <>"),
    ("# don't\nprintf %s {branch} # {branch}", "<>"),
    ("(printf %s {branch})", "<>"),
    ("case {branch} in *) printf %s {branch} ;; esac", "<>"),
    ("printf %s '\\{branch}'", "\\<>"),
    ('printf %s "\\\\{branch}"', "\\<>"),
    ("printf %s ${BEFORE}{branch}", "x<>"),
]


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@given(value=hostile)
def test_a_value_never_escapes_its_quotes(shell: list[str], value: str) -> None:
    commands = [command for command, _ in PLACES]
    assert [faults(command, command=True, arguments=False) for command in commands] == [()] * len(
        PLACES
    )
    values = VALUES | {"branch": value}
    script = "\nprintf '\\0'\n".join(render_command(c, values, ()) for c in commands)
    done = subprocess.run(
        [*shell, "-c", script], capture_output=True, check=True, timeout=30, env={"BEFORE": "x"}
    )
    printed = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    assert printed == [expected.replace("<>", value) for _, expected in PLACES]


# None begins with `touch`: a command that runs another one's output would rightly run that.
ATTACKS = [
    "$(touch pwned)",
    "`touch pwned`",
    "';touch pwned;'",
    '";touch pwned;"',
    "x\ntouch pwned\n#",
    "\\';touch pwned;#",
    ")';touch pwned;(",
    "};touch pwned;{",
]
SCRAPS = [
    *("'", '"', "\\", "`", "#", "\n", " ", ";", "|", "&", "$", "{", "}", "(", ")", "=", "a"),
    *("$(", "$((", "((", "))", "${a", "${a:-", "$'", '$"', "<<a\n", "case a in a)", "esac", "[["),
    *(
        "echo ",
        "\\\n",
        "$\\\n",
        "if :; then ",
        "fi",
        "for a in b; do ",
        "done",
        "f() {",
        "!",
        "\r",
        "\t",
    ),
    *(["{branch}"] * 12),
]


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@given(scraps=st.lists(st.sampled_from(SCRAPS), max_size=14))
def test_in_no_command_at_all_does_a_value_become_code(
    shell: list[str], scraps: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    command = "".join([*scraps, "{branch}"])
    if faults(command, command=True, arguments=False):
        return
    place = tmp_path_factory.mktemp("attack")
    for attack in ATTACKS:
        script = render_command(command, VALUES | {"branch": attack}, ())
        subprocess.run(
            [*shell, "-c", script],
            cwd=place,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=30,
        )
        assert not (place / "pwned").exists(), script

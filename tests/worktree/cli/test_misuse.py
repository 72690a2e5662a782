"""A wrong command line: one line that says what is wrong, one that says what to type, status 2."""

from __future__ import annotations

import pytest

from bough.coordinator.errors import Exit, UsageError
from bough.worktree.cli.app import main


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("strt", "no such command 'strt'. Did you mean 'start', 'trust'?", "bough --help"),
        ("jobs lst", "no such command 'lst'. Did you mean 'list'?", "bough jobs --help"),
        ("hooks", "missing command", "bough hooks --help"),
        ("start", "missing argument 'BRANCH'", "bough start --help"),
        ("remove", "missing argument 'TARGET'", "bough remove --help"),
        ("jobs logs", "missing argument 'ADDRESS'", "bough jobs logs --help"),
        ("list extra", "got unexpected extra argument(s) (extra)", "bough list --help"),
        ("--nope", "no such option: --nope", "bough --help"),
        ("start -rf", "no such option: -r", "bough start --help"),
        ("list --formt x", "no such option: --formt (Possible options: --format)", "list --help"),
        ("start x -x", "option '-x' requires an argument", "bough start --help"),
        ("-C", "option '-C' requires an argument", "bough --help"),
        ("list -q", "no such option: -q", "It goes before the verb: bough -q list …"),
        ("jobs -C", "no such option: -C", "It goes before the verb: bough -C DIR jobs …"),
        ("-q -v list", "-q and -v exclude each other", ""),
        ("list --format xml", "'xml' is not one of 'table', 'json'", "bough list --help"),
        ("start x --hooks nope", "'nope' is not one of 'auto', 'foreground'", "bough start --help"),
        ("jobs --status done", "'done' is not one of 'queued'", "bough jobs --help"),
        ("jobs --limit 0", "invalid value for '--limit': ", "bough jobs --help"),
        ("jobs --limit 1001", "invalid value for '--limit': ", "bough jobs --help"),
        ("jobs --before x", "a number", "bough jobs --help"),
        ("jobs logs a --tail x", "invalid value for '--tail': ", "bough jobs logs --help"),
        ("jobs logs a --tail -1", "invalid value for '--tail': ", "bough jobs logs --help"),
        ("jobs logs a --since-seq -1", "invalid value for '--since-seq'", "bough jobs logs --help"),
        ("jobs --failed show x", "options go after the verb: bough jobs show …", ""),
        ("jobs cancel --all --tag x", "--all means every job", ""),
        ("jobs cancel x --all", "--all means every job", ""),
        ("jobs cancel", "nothing says which jobs to cancel", "say --all"),
        ("jobs cancel --older-than x", "`x` is not a duration", "10m, 2h, 1d"),
        ("trust list --yes", "trust list grants nothing", ""),
        ("trust --format json", "--format is for the list", "bough trust list --format json"),
    ],
)
def test_what_is_wrong_is_said_and_what_to_type(line: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        main(line.split())
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit is Exit.USAGE
    assert "Value error" not in caught.value.message


def test_without_arguments_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    told = capsys.readouterr().out
    assert "Usage: bough" in told
    commands = told.partition("Commands:")[2].splitlines()
    assert not [line for line in commands if line.endswith("...")], "a summary is cut"

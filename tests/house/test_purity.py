"""Pure modules say so, and are exactly those of the import contract, which import-linter keeps."""

from __future__ import annotations

import tomllib

from tests.house.source import ROOT, Module, package, says


def in_contract() -> set[str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        contract
        for contract in config["tool"]["importlinter"]["contracts"]
        if contract["id"] == "pure"
    )
    return set(contract["source_modules"])


def test_the_contract_lists_exactly_the_modules_that_claim_to_be_pure() -> None:
    claimed = {module.name for module in package() if says(module, "Pure")}
    listed = in_contract()
    assert claimed - listed == set(), "these say 'Pure:' but are not in the contract"
    assert listed - claimed == set(), "these are in the contract but do not say 'Pure:'"


def test_a_claim_is_found_where_it_stands_and_nowhere_else() -> None:
    assert says(Module("hooks/a.py", '"""Title.\n\nPure: values only.\n"""\n'), "Pure")
    assert not says(Module("hooks/a.py", '"""Title. Pure: no.\n\nImpure.\n"""\n'), "Pure")
    assert not says(Module("hooks/a.py", '"""Title.\n"""\n# Pure: a comment\n'), "Pure")

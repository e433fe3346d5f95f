"""The catalogue is whole, and no code that it lacks can break anything."""

import pytest

from django_ihuyi.client.results import CATALOGUE, Actor, ResultKind, describe

KINDS = {
    ResultKind.SUCCESS: {2},
    ResultKind.THROTTLED: {4080, 4081, 4083, 4084, 4086, 4010},
    ResultKind.QUOTA: {4082, 4085},
    ResultKind.SUPPRESSED: {408, 4030},
    ResultKind.NUMBER: {406},
    ResultKind.CONTENT: {407, 4070, 4071, 4072, 40722, 4073, 4074, 4075},
    ResultKind.ACCOUNT: {400, 401, 402, 405, 4050, 4051, 4052, 40502},
    ResultKind.CLOCK: {40501},
    ResultKind.REQUEST: {403, 404},
    # 4077 and 40505 were seen, but what they mean is published nowhere.
    ResultKind.GENERIC: {0, 4077, 40505},
}


def test_every_code_has_its_kind():
    assert {kind: {row.code for row in CATALOGUE.values() if row.kind is kind} for kind in ResultKind} == KINDS


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=lambda row: str(row.code))
def test_every_code_is_explained_in_both_languages(row):
    assert describe(row.code) is row
    assert row.en.isascii()
    assert row.en.endswith((".",))
    assert row.zh.endswith("。")
    assert bool(row.seed_text) == (row.marks == "platform")


@pytest.mark.parametrize("code", [-1, 1, 99999, 10**20])
def test_an_unknown_code_is_kept_as_generic(code):
    row = describe(code)

    assert (row.code, row.kind, row.actor, row.marks) == (code, ResultKind.GENERIC, Actor.OPERATOR, "unknown")

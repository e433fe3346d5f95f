"""Settings are read at the moment of use, and each of them is documented as it is."""

import ast
import re
from pathlib import Path

import pytest

from django_ihuyi.checks.names import TYPES, fits
from django_ihuyi.conf import LIFTED_BY_EMPTY_DICT, PARTIAL, Settings

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"
NAMES = list(Settings.__annotations__)

# ### `NAME`, its type and default, a text, and perhaps an example.
SECTION = re.compile(
    r"^### `(?P<name>\w+)`\n\n\*Type\*\n: `(?P<type>[^\n]+)`\n\n\*Default\*\n: `(?P<default>[^\n]+)`\n\n"
    r"(?P<text>.+?)(?=^##)",
    re.MULTILINE | re.DOTALL,
)


def documented():
    return {match["name"]: match for match in SECTION.finditer(PAGE.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_is_its_default_until_it_is_chosen(name, configure, settings):
    settings.IHUYI = {}
    default = getattr(Settings(), name)
    configure(**{name: "chosen"})

    assert default == Settings.__dict__[name]
    assert getattr(Settings(), name) == "chosen"


def test_a_site_without_the_dict_has_the_defaults(settings):
    del settings.IHUYI

    assert {name: getattr(Settings(), name) for name in NAMES} == {name: Settings.__dict__[name] for name in NAMES}


@pytest.mark.parametrize(
    ("name", "chosen", "expected"),
    [
        ("NUMBER_LIMITS", {"codes": 3}, {"messages": 5, "codes": 3}),
        (
            "CLIENT_LIMITS",
            {"send": ["9/m"]},
            {"send": ["9/m"], "verify": ["30/m"], "captcha": ["30/m"], "status": ["120/m"]},
        ),
        ("CLIENT_LIMITS", {"send": []}, {"send": [], "verify": ["30/m"], "captcha": ["30/m"], "status": ["120/m"]}),
        ("CLIENT_LIMITS", {}, {}),
        ("CLIENT_LIMITS", {"captcha": []}, {"send": None, "verify": ["30/m"], "captcha": [], "status": ["120/m"]}),
        ("GLOBAL_LIMITS", {"send": ["9/m"]}, {"send": ["9/m"]}),
        ("GLOBAL_LIMITS", {}, {}),
        ("RETENTION", {"reply_days": None}, {**Settings.RETENTION, "reply_days": None}),
        ("RETENTION", {}, Settings.RETENTION),
        (
            "BUDGETS",
            {"prefix": {"MODE": "off"}, "global": {"LIMITS": []}, "no_budget": {"MODE": "off"}},
            {
                **Settings.BUDGETS,
                "prefix": {"NUMBERS": ["10/10m"], "BEHIND_CAPTCHA": ["50/10m"], "MODE": "off"},
                "global": {"LIMITS": [], "MODE": "refuse"},
                "no_budget": {"MODE": "off"},
            },
        ),
        # All other settings hold what the host has named, and nothing else.
        ("PURPOSES", {"login": {}}, {"login": {}}),
        ("TEMPLATES", {}, {}),
        ("CAPTCHA", {"BACKEND": "image"}, {"BACKEND": "image"}),
    ],
)
def test_a_partial_setting_keeps_the_defaults_of_what_it_leaves_out(name, chosen, expected, configure):
    configure(**{name: chosen})

    assert getattr(Settings(), name) == expected


@pytest.mark.parametrize("chosen", [None, 5, "text", ["a list"]], ids=str)
@pytest.mark.parametrize("name", PARTIAL)
def test_a_partial_setting_of_a_wrong_type_is_returned_as_it_is(name, chosen, configure):
    """The checks read it, and report it."""
    configure(**{name: chosen})

    assert getattr(Settings(), name) == chosen


@pytest.mark.parametrize("entry", [None, 5, "text", ["a list"]], ids=str)
def test_a_budget_of_a_wrong_type_is_returned_as_it_is(entry, configure):
    configure(BUDGETS={"client": entry, 5: entry})

    filled = Settings().BUDGETS
    assert filled == {**Settings.BUDGETS, "client": entry, 5: entry}


def test_only_settings_are_filled_in():
    assert set(PARTIAL) <= set(NAMES)
    assert set(PARTIAL) >= LIFTED_BY_EMPTY_DICT


def test_a_default_is_not_changed_by_what_a_host_chooses(configure):
    before = {name: repr(Settings.__dict__[name]) for name in PARTIAL}
    configure(CLIENT_LIMITS={"send": []}, BUDGETS={"client": {"MODE": "off"}}, RETENTION={"reply_days": 1})

    for name in PARTIAL:
        getattr(Settings(), name)

    assert {name: repr(Settings.__dict__[name]) for name in PARTIAL} == before


def test_a_name_that_is_no_setting_is_not_found():
    with pytest.raises(AttributeError):
        _ = Settings().CODE_LENGHT


def test_every_setting_is_documented():
    assert sorted(documented()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_tells_type_and_default_as_they_are(name):
    section = documented()[name]

    assert section["type"] == Settings.__annotations__[name]
    assert ast.literal_eval(section["default"]) == Settings.__dict__[name]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"CHANNELS"}))
def test_the_documentation_has_an_example_of_the_right_type(name):
    [example] = re.findall(r"```python\n(.+?)```", documented()[name]["text"], re.DOTALL)

    chosen = ast.literal_eval(f"{{{example}}}")
    assert list(chosen) == [name]
    assert fits(chosen[name], TYPES[name])

"""Settings are read at the moment of use, and each of them is documented as it is."""

import ast
import re
from pathlib import Path

import pytest

from django_ihuyi.checks.names import TYPES, fits
from django_ihuyi.conf import Settings

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

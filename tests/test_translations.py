"""Every text that a person may see is there in Chinese."""

import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).parent.parent
CATALOGUES = sorted(
    path for package in ("django_ihuyi", "example_project") for path in (ROOT / package).rglob("LC_MESSAGES/*.po")
)


def name(path):
    return str(path.relative_to(ROOT))


def contents(entries):
    return {(entry.msgctxt, entry.msgid): (entry.msgstr, entry.msgstr_plural) for entry in entries}


@pytest.mark.parametrize("path", CATALOGUES, ids=name)
def test_every_text_is_translated_and_none_is_a_guess(path):
    catalogue = polib.pofile(str(path))

    assert [entry.msgid for entry in catalogue.untranslated_entries() + catalogue.fuzzy_entries()] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=name)
def test_the_compiled_catalogue_says_the_same_as_its_source(path):
    source, compiled = polib.pofile(str(path)), polib.mofile(str(path.with_suffix(".mo")))

    assert contents(compiled) == contents(entry for entry in source if not entry.obsolete)


@pytest.mark.proof
@pytest.mark.parametrize("package", ["django_ihuyi", "example_project"])
def test_the_catalogue_knows_every_text_of_the_code(package, tmp_path):
    """Needs the gettext programs, as `manage.py makemessages` does."""
    shutil.copytree(ROOT / package, tmp_path / package)
    [path] = (tmp_path / package).rglob("LC_MESSAGES/django.po")
    before = polib.pofile(str(path))

    command = ["-m", "django", "makemessages", "--locale", "zh_Hans", "--no-obsolete", "--verbosity", "0"]
    subprocess.run([sys.executable, *command], cwd=tmp_path / package, check=True)

    after = polib.pofile(str(path))
    assert {entry.msgid for entry in after} == {entry.msgid for entry in before if not entry.obsolete}

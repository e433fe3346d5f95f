"""Findings about PURPOSES and TEMPLATES: what a code is for, and what the message says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django_ihuyi import foreign_phones
from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound
from django_ihuyi.conf import Settings
from django_ihuyi.message_templates import PLACE

#: Characters of a text: the platform's page says 300, its newer documentation 500 (result code 4073).
CAREFUL_LENGTH, LONGEST = 300, 500


@finding("E023", hint="Name a purpose with up to 32 letters, digits, underscores, hyphens and full stops.")
def find_wrong_purposes() -> Iterator[str]:
    """PURPOSES is empty, or has a name that cannot be stored."""
    if not sound("PURPOSES"):
        yield "IHUYI['PURPOSES'] is empty: no code can be asked for."
    for name in sound("PURPOSES"):
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,32}", name):
            yield f"{name!r} cannot be the name of a purpose."


@finding("E024", hint='Write {"login": {"TEMPLATE": "a name in TEMPLATES"}}, or {"login": {}} for "code".')
def find_unknown_templates() -> Iterator[str]:
    """A purpose has a template that TEMPLATES does not have, or a key that no purpose has."""
    for name, purpose in sound("PURPOSES").items():
        template = purpose.get("TEMPLATE", "code")
        if template not in sound("TEMPLATES"):
            yield f"The purpose {name!r} has the template {template!r}, which IHUYI['TEMPLATES'] does not have."
        for key in sorted(set(purpose) - {"TEMPLATE"}):
            yield f"The purpose {name!r} has {key!r}, which means nothing."


@finding("E025", hint='Write {"TEXT": "the text as filed, with {code}, or {1}, {2}, … in it", "ID": "its number"}.')
def find_wrong_templates() -> Iterator[str]:
    """A template has no TEXT, an ID that is no number, a key that no template has, or a name that cannot be stored."""
    for name, template in sound("TEMPLATES").items():
        if not re.fullmatch(r".{1,32}", name):
            yield f"{name!r} cannot be the name of a template: it may have 32 characters."
        if not template.get("TEXT"):
            yield f"The template {name!r} must have a TEXT."
        if not re.fullmatch(r"[0-9]+", template.get("ID", "1")):
            yield f"The template {name!r} has an ID that is no number."
        for key in sorted(set(template) - {"TEXT", "ID"}):
            yield f"The template {name!r} has {key!r}, which means nothing."


@finding("E034", hint="Put {code} into the text, where the variable stands in the template that was filed.")
def find_texts_without_a_code() -> Iterator[str]:
    """The text of a purpose has no place for the code, or more than one."""
    for name, purpose in sound("PURPOSES").items():
        text = sound("TEMPLATES").get(purpose.get("TEMPLATE", "code"), {}).get("TEXT")
        if text and len(PLACE.findall(text)) != 1:
            yield f"The text of the purpose {name!r} must have one {{code}} in it."


@finding("E035", hint='Write the regions of ISO 3166, as in "GB" or "HK", and install django-ihuyi[international].')
def find_wrong_regions() -> Iterator[str]:
    """INTERNATIONAL_REGIONS holds something that is no region, or the package that knows them is not installed."""
    for region in sound("INTERNATIONAL_REGIONS"):
        if not foreign_phones.is_region(region):
            yield f"{region!r} in IHUYI['INTERNATIONAL_REGIONS'] is no region that is known here."


@finding("E036", hint='Add the channel "international" to CHANNELS: the product has its own account and url.')
def find_no_way_abroad() -> Iterator[str]:
    """INTERNATIONAL_REGIONS are named, but CHANNELS has no channel `international`."""
    if sound("INTERNATIONAL_REGIONS") and "international" not in sound("CHANNELS"):
        yield "IHUYI['CHANNELS'] has no channel 'international', by which foreign numbers are reached."


@finding("E026", hint="Shorten the text: the platform would refuse it (4073).")
def find_texts_too_long() -> Iterator[str]:
    """A text is longer than the platform takes."""
    for name, length in _lengths():
        if length > LONGEST:
            yield f"The text of the template {name!r} has {length} characters with its code, at most {LONGEST} may be."


@finding("W005", hint="Make sure that the platform takes so long a text of your account (4073), and what it bills.")
def find_long_texts() -> Iterator[str]:
    """A text is longer than the platform takes of some accounts."""
    for name, length in _lengths():
        if CAREFUL_LENGTH < length <= LONGEST:
            yield f"The text of the template {name!r} has {length} characters with its code."


@finding("W006", hint="Take the signature out of the text: the platform puts it there.")
def find_signatures() -> Iterator[str]:
    """A text begins or ends with a signature, which the platform would double or refuse (4070)."""
    for name, template in sound("TEMPLATES").items():
        if re.match(r"\s*【|.*】\s*$", template.get("TEXT", ""), re.DOTALL):
            yield f"The text of the template {name!r} seems to carry a signature."


def _lengths() -> Iterator[tuple[str, int]]:
    code = "0" * min(sound("CODE_LENGTH"), 2 * Settings.CODE_LENGTH)
    for name, template in sound("TEMPLATES").items():
        yield name, len(PLACE.sub(code, template.get("TEXT", "")))

"""Findings about PURPOSES and TEMPLATES: what a code is for, and what the message says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound
from django_ihuyi.phones import foreign
from django_ihuyi.texts.templates import PLACE


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
        for key in sorted(set(purpose) - {"TEMPLATE", "POLICY"}):
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
        for key in sorted(set(template) - {"TEXT", "ID", "FILED", "EXAMPLE"}):
            yield f"The template {name!r} has {key!r}, which means nothing."


@finding("E034", hint="Put {code} into the text, where the variable stands in the template that was filed.")
def find_texts_without_a_code() -> Iterator[str]:
    """The text of a purpose has no place for the code, or places for more than a code."""
    for name, purpose in sound("PURPOSES").items():
        text = sound("TEMPLATES").get(purpose.get("TEMPLATE", "code"), {}).get("TEXT")
        if text and len(set(PLACE.findall(text))) != 1:
            yield f"The text of the purpose {name!r} must have {{code}} in it, and no other place."


@finding("E035", hint='Write the regions of ISO 3166, as in "GB" or "HK", and install django-ihuyi[international].')
def find_wrong_regions() -> Iterator[str]:
    """INTERNATIONAL_REGIONS holds something that is no region, or the package that knows them is not installed."""
    for region in sound("INTERNATIONAL_REGIONS"):
        if not foreign.is_region(region):
            yield f"{region!r} in IHUYI['INTERNATIONAL_REGIONS'] is no region that is known here."


@finding("E036", hint='Add the channel "international" to CHANNELS: the product has its own account and url.')
def find_no_way_abroad() -> Iterator[str]:
    """INTERNATIONAL_REGIONS are named, but CHANNELS has no channel `international`."""
    if sound("INTERNATIONAL_REGIONS") and "international" not in sound("CHANNELS"):
        yield "IHUYI['CHANNELS'] has no channel 'international', by which foreign numbers are reached."

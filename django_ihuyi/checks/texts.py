"""Findings about PURPOSES, their policies, TEMPLATES and INTERNATIONAL_REGIONS."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import load, sound
from django_ihuyi.phones import foreign
from django_ihuyi.texts.templates import PLACE


@finding("E023", hint="Name each purpose with up to 32 letters, digits, underscores, hyphens and full stops.")
def find_wrong_purposes() -> Iterator[str]:
    """PURPOSES is empty, or has an invalid name."""
    if not sound("PURPOSES"):
        yield "IHUYI['PURPOSES'] is empty, so no code can be requested."
    for name in sound("PURPOSES"):
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,32}", name):
            yield f"{name!r} is not a valid name of a purpose."


@finding("E024", hint='Write {"login": {"TEMPLATE": "a name in TEMPLATES"}}, or {"login": {}} for "code".')
def find_unknown_templates() -> Iterator[str]:
    """A purpose names a template that TEMPLATES does not have, or has an unknown key."""
    for name, purpose in sound("PURPOSES").items():
        template = purpose.get("TEMPLATE", "code")
        if template not in sound("TEMPLATES"):
            yield f"The purpose {name!r} names the template {template!r}, which IHUYI['TEMPLATES'] does not have."
        for key in sorted(set(purpose) - {"TEMPLATE", "POLICY"}):
            yield f"The purpose {name!r} has the unknown key {key!r}."


@finding("E062", hint="Set POLICY to the path of a function that takes the code request and returns True or False.")
def find_wrong_policies() -> Iterator[str]:
    """A purpose's POLICY cannot be imported or called: no code could be sent for this purpose."""
    for name, purpose in sound("PURPOSES").items():
        path = purpose.get("POLICY")
        if path is not None and not callable(load(path)):
            yield f"The purpose {name!r} has the POLICY {path!r}, which cannot be imported or called."


@finding("E025", hint='Write {"TEXT": "the text as filed, with {code}, or {1}, {2}, … in it", "ID": "its number"}.')
def find_wrong_templates() -> Iterator[str]:
    """A template has no TEXT, an ID that is not a number, an unknown key, or an invalid name."""
    for name, template in sound("TEMPLATES").items():
        if not re.fullmatch(r".{1,32}", name):
            yield f"{name!r} is not a valid name of a template: a name has 1 to 32 characters."
        if not template.get("TEXT"):
            yield f"The template {name!r} must have a TEXT."
        if not re.fullmatch(r"[0-9]+", template.get("ID", "1")):
            yield f"The template {name!r} has an ID that is not a number."
        for key in sorted(set(template) - {"TEXT", "ID", "FILED", "EXAMPLE"}):
            yield f"The template {name!r} has the unknown key {key!r}."


@finding("E034", hint="Write {code} where the filed template has its variable.")
def find_texts_without_a_code() -> Iterator[str]:
    """The text of a purpose has no placeholder for the code, or others besides it."""
    for name, purpose in sound("PURPOSES").items():
        text = sound("TEMPLATES").get(purpose.get("TEMPLATE", "code"), {}).get("TEXT")
        if text and len(set(PLACE.findall(text))) != 1:
            yield f"The text of the purpose {name!r} must have the placeholder {{code}}, and no other."


@finding("E035", hint='Write ISO 3166 regions, such as "GB" or "HK", and install django-ihuyi[international].')
def find_wrong_regions() -> Iterator[str]:
    """INTERNATIONAL_REGIONS has an unknown region, or the package that knows the regions is not installed."""
    for region in sound("INTERNATIONAL_REGIONS"):
        if not foreign.is_region(region):
            yield f"{region!r} in IHUYI['INTERNATIONAL_REGIONS'] is not a known region."


@finding("E036", hint='Add the channel "international" to CHANNELS, with its own account and url.')
def find_no_way_abroad() -> Iterator[str]:
    """INTERNATIONAL_REGIONS is set, but CHANNELS has no channel `international`."""
    if sound("INTERNATIONAL_REGIONS") and "international" not in sound("CHANNELS"):
        yield "IHUYI['CHANNELS'] has no channel 'international', which sends to foreign numbers."

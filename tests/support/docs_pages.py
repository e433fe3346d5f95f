"""The documentation's pages: their blocks of code, prose and links."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
#: Without docs/_build, which has copies.
PAGES = sorted([*ROOT.glob("*.md"), *(path for path in ROOT.glob("docs/**/*.md") if "_build" not in path.parts)])

_BLOCK = re.compile(r"^(?P<fence>`{3,})(?P<language>\w*)\n(?P<body>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)


def named(page):
    """Return a page's path, as the id of a test."""
    return page.relative_to(ROOT).as_posix()


def text_of(page):
    return page.read_text(encoding="utf-8")


def blocks(page, *languages):
    """Return (language, body) of the page's blocks of code in these languages, in order."""
    found = (match.group("language", "body") for match in _BLOCK.finditer(text_of(page)))
    return [(language, body) for language, body in found if language in languages]


def sources(page, file=""):
    """Return the Python blocks of a page; with `file` those that are to be written to that file."""
    return [body for _, body in blocks(page, "python") if body.startswith(f"# {file}" if file else "")]


def prose(page):
    return _BLOCK.sub("", text_of(page))

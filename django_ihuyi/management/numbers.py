"""A number that a person hands to a command: as an argument, or on standard input, where no shell remembers it."""

from __future__ import annotations

import sys

from django.core.management.base import CommandError, CommandParser

from django_ihuyi import phones
from django_ihuyi.exceptions import InvalidPhone


def add_number(parser: CommandParser) -> None:
    """Declare the argument."""
    parser.add_argument("number", metavar="NUMBER", help="in any spelling; - reads it from standard input")


def read_number(text: str) -> str:
    """Return the canonical form; what is no number is not repeated."""
    try:
        return phones.parse(sys.stdin.readline().strip() if text == "-" else text)
    except InvalidPhone as error:
        raise CommandError(f"{error}.") from error

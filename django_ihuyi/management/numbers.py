"""The phone number that a command is given: an argument, or a line of standard input, which no shell history stores."""

from __future__ import annotations

import sys

from django.core.management.base import CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from django_ihuyi import phones
from django_ihuyi.exceptions import InvalidPhone


def add_number(parser: CommandParser) -> None:
    """Declare the number, and the database with its data."""
    parser.add_argument("number", metavar="NUMBER", help="in any spelling; - reads it from standard input")
    parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="an alias of DATABASES; default: default")


def read_number(text: str) -> str:
    """Return the canonical form. The error for any other text does not repeat it."""
    try:
        return phones.parse(sys.stdin.readline().strip() if text == "-" else text)
    except InvalidPhone as error:
        raise CommandError(f"{error}.") from error

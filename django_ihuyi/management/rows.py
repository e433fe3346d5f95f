"""Read the rows of a file: CSV with a header line, or JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from django_ihuyi.delivery.bulk import Row

#: The names of the column, or the members of each JSON object.
PHONE, VARIABLES = "phone", "variables"
_JSON_LINES = {".jsonl", ".ndjson"}


def read_rows(path: Path, *, encoding: str) -> Iterator[Row]:
    """Yield the rows of a file, one at a time. Raise ValueError with the line's number, but without its content."""
    with path.open(encoding=encoding, newline="") as file:
        read = _read_json_lines if path.suffix.lower() in _JSON_LINES else _read_csv
        try:
            yield from read(file)
        except UnicodeDecodeError as error:
            raise ValueError(f"the file is not encoded in {encoding}") from error
        except csv.Error as error:
            raise ValueError(f"the file is not valid CSV: {error}") from error


def _read_csv(lines: Iterator[str]) -> Iterator[Row]:
    table = csv.reader(lines)
    names = [name.strip().lower() for name in next(table, [])]
    if PHONE not in names:
        raise ValueError(f"the first line must name the columns, one of them {PHONE!r}")
    place = names.index(PHONE)
    for cells in table:
        if not any(cells):
            continue  # spreadsheets leave empty lines at the end
        if len(cells) != len(names):
            raise ValueError(f"line {table.line_num} has more or fewer cells than the first line")
        yield Row(number=cells[place], variables=(*cells[:place], *cells[place + 1 :]))


def _read_json_lines(lines: Iterator[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            phone, variables = row[PHONE], row.get(VARIABLES, [])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"line {number} is not a JSON object with the member {PHONE!r}") from error
        if not isinstance(variables, list) or not all(isinstance(text, str) for text in (phone, *variables)):
            raise ValueError(f"line {number}: {PHONE!r} must be a string, and {VARIABLES!r} a list of strings")
        yield Row(number=phone, variables=tuple(variables))

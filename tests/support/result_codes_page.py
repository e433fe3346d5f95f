"""The table of docs/reference/result_codes.md, parsed."""

from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "result_codes.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The page's row of one result code."""

    code: int
    actor: str
    outcome: str
    #: The status of the REST answer, and its `code`.
    status: int
    slug: str
    rule: str
    magic_number: str

    def __str__(self):
        return str(self.code)


def read_rows():
    """Return the rows of the table."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("|")[1:-1] for line in lines if line.startswith("| ")]
    return [_read(cells) for cells in rows if cells[0].strip().isdigit()]


def _read(cells):
    code, *_, actor, outcome, _pause, _claim, _attempt, _scope, rest, rule, magic_number = (
        cell.strip("` ") for cell in cells
    )
    status, _, slug = rest.partition(" ")
    return Row(
        code=int(code),
        actor=actor,
        outcome=outcome,
        status=int(status),
        slug=slug.strip("`"),
        rule=rule,
        magic_number=magic_number,
    )

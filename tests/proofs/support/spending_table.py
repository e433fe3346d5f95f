"""The measured attacks as tables in Markdown, for docs/explanation/abuse.md."""

import collections

from tests.proofs.support.spending import HELPLESS, NEW, RETURNING

#: The price of one part that docs/reference/settings.md has as an example under PART_PRICE. A code is one part.
PART_PRICE = 0.045
HEAD = ["messages in an hour", "in a day", "cost of a day", "returning visitors", "new visitors"]


def print_tables(rows, write):
    """Print the table of all attacks, then that of the worst ones, which the documentation shows."""
    rows = sorted(rows, key=lambda row: (row.attack.solves, row.attack.addresses, row.attack.name))
    _print(write, ["attack", "addresses", "captcha", *HEAD, HELPLESS], [_tell(row) for row in rows])
    groups = collections.defaultdict(list)
    for row in rows:
        groups[row.attack.addresses, row.attack.solves].append(row)
    _print(write, ["addresses", "captcha", *HEAD], [_tell_worst(*key, group) for key, group in groups.items()])


def _print(write, head, lines):
    write("")
    for cells in (head, ["---"] * len(head), *lines):
        write(f"| {' | '.join(cells)} |")


def _tell(row):
    day = _count(row.day, row) if row.attack.hours == 24 else "–"
    groups = [_share(row, group) for group in (RETURNING, NEW, HELPLESS)]
    cost = _price(row.day) if row.attack.hours == 24 else "–"
    captcha = _captcha(row.attack.solves)
    return [row.attack.name, f"{row.attack.addresses:,}", captcha, _count(row.hour, row), day, cost, *groups]


def _tell_worst(addresses, solves, rows):
    """Return the line of several attacks: most messages, and fewest visitors."""
    whole_days = [row for row in rows if row.attack.hours == 24]
    most, longest = max(rows, key=lambda row: row.hour), max(whole_days, key=lambda row: row.day, default=None)
    groups = [_share(min(rows, key=lambda row: _ratio(row, group)), group) for group in (RETURNING, NEW)]
    day = [_count(longest.day, longest), _price(longest.day)] if longest else ["–", "–"]
    return [f"{addresses:,}", _captcha(solves), _count(most.hour, most), *day, *groups]


def _captcha(solves):
    return "solved" if solves else "no"


def _count(messages, row):
    """Return a number of messages; `≥` if the attacker might have got more."""
    return f"{'≥ ' if row.is_cut_short and row.attack.solves else ''}{messages:,}"


def _price(messages):
    return f"{messages * PART_PRICE:,.2f}"


def _share(row, group):
    got_in, all_visitors = row.share(group)
    return f"{got_in} of {all_visitors}"


def _ratio(row, group):
    got_in, all_visitors = row.share(group)
    return got_in / all_visitors

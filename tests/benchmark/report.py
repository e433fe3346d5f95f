"""The result as tables in Markdown, and whether the targets are reached."""

import statistics

from tests.benchmark.contestants import BARE, CONTESTANTS, OURS, PHONE_VERIFY

KINDS = ("send", "verify")
SMALL, BIG = "default", "big"


def tell(options, *, statements, compared, sizes):
    """Print everything; return the exit status."""
    print(
        f"\nPostgreSQL, gunicorn with {options.workers} workers of {options.threads} threads, "
        f"medians of {options.rounds} rounds of {options.requests} requests.\n"
    )
    print("| | requests/s | p50 ms | p95 ms | of the bare view | statements | connections to the platform |")
    print("|---|---|---|---|---|---|---|")
    for kind in KINDS:
        for contestant in CONTESTANTS:
            print(row(contestant, kind, compared, statements))
    print(f"\n| with {options.rows:,} rows | time of a request, against 1,000 rows |\n|---|---|")
    for contestant, kind in ((OURS, "send"), (OURS, "verify"), (PHONE_VERIFY, "verify")):
        print(f"| {contestant.name}, {kind} | {growth(sizes, contestant, kind):.2f} |")
    missed = [words for words, reached in targets(options, statements, compared, sizes) if not reached]
    print("\n" + ("All targets are reached." if not missed else f"Missed: {'; '.join(missed)}."), flush=True)
    return 1 if missed else 0


def row(contestant, kind, compared, statements):
    rounds = compared[contestant, kind]
    p50, p95 = (1000 * median(getattr(measurement, name) for measurement, _ in rounds) for name in ("p50", "p95"))
    connections = max(opened for _, opened in rounds) if kind == "send" else "–"
    return (
        f"| {contestant.name}, {kind} | {rate(rounds):.0f} | {p50:.1f} | {p95:.1f} "
        f"| {ratio(compared, kind, contestant, BARE):.2f} | {statements[contestant, kind]} | {connections} |"
    )


def targets(options, statements, compared, sizes):
    """Return each target in words, with whether it is reached."""
    threads = options.workers * options.threads
    opened = max(opened for _, opened in compared[OURS, "send"])
    return [
        *((f"{kind} at 0.60 of the bare view", ratio(compared, kind, OURS, BARE) >= 0.60) for kind in KINDS),
        *((f"{kind} at django-phone-verify's rate", ratio(compared, kind, OURS, PHONE_VERIFY) >= 1) for kind in KINDS),
        *((f"{kind} unchanged with many rows", growth(sizes, OURS, kind) <= 1.1) for kind in KINDS),
        ("send with 5 statements", statements[OURS, "send"] <= 5),
        ("verify with 3 statements", statements[OURS, "verify"] <= 3),
        (f"{threads} connections to the platform", opened <= threads),
    ]


def ratio(compared, kind, one, other):
    """Compare two rates round by round: what disturbs a round disturbs both."""
    pairs = zip(compared[one, kind], compared[other, kind], strict=True)
    return median(mine.rate / theirs.rate for (mine, _), (theirs, _) in pairs)


def growth(sizes, contestant, kind):
    """Compare the times with many and with few rows, round by round."""
    pairs = zip(sizes[contestant, kind, SMALL], sizes[contestant, kind, BIG], strict=True)
    return median(small.rate / big.rate for (small, _), (big, _) in pairs)


def rate(rounds):
    return median(measurement.rate for measurement, _ in rounds)


def median(values):
    return statistics.median(values)

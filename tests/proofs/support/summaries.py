"""How a series of measured counts or times is told."""

import itertools


def spread(counts):
    """Return the one count that all rounds had, or the range: `5`, `4–6`."""
    least, most = min(counts), max(counts)
    return f"{least}" if least == most else f"{least}–{most}"


def area_under_curve(first, second):
    """Return the chance that one of `first` is less than one of `second` (Mann and Whitney); equal ones count half."""
    ordered = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    below, area = 0, 0.0
    for _, equal in itertools.groupby(ordered, key=lambda pair: pair[0]):
        members = [which for _, which in equal]
        firsts = members.count(0)
        area += (len(members) - firsts) * (below + firsts / 2)
        below += firsts
    return area / (len(first) * len(second))

"""How a series of measured counts is told."""


def spread(counts):
    """Return the one count that all rounds had, or the range: `5`, `4–6`."""
    least, most = min(counts), max(counts)
    return f"{least}" if least == most else f"{least}–{most}"

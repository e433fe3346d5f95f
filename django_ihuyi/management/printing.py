"""Print for people: at once, and on consoles that do not know every character."""

from __future__ import annotations

from django.core.management.base import BaseCommand


class PrintingCommand(BaseCommand):
    """A command that says one line after the other."""

    def say(self, line: str) -> None:
        """Print a line; what the console cannot show is escaped."""
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        self.stdout.write(line.encode(encoding, "backslashreplace").decode(encoding))
        self.stdout.flush()

"""Print lines immediately, and on consoles that cannot encode every character."""

from __future__ import annotations

from django.core.management.base import BaseCommand


class PrintingCommand(BaseCommand):
    """A command that prints lines."""

    def say(self, line: str) -> None:
        """Print a line; characters that the console cannot encode are escaped."""
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        self.stdout.write(line.encode(encoding, "backslashreplace").decode(encoding))
        self.stdout.flush()  # a pipe would buffer the lines of a command that runs for hours

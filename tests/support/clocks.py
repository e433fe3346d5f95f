"""A clock that a test turns."""


class Clock:
    """Stands still until time is let pass."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds

    def let_pass(self, seconds):
        self.seconds += seconds

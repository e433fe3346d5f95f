"""A clock that a test sets."""


class Clock:
    """Stands still until `let_pass`."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds

    def let_pass(self, seconds):
        self.seconds += seconds

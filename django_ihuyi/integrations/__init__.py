"""One module for each foreign package; none is imported unless a setting names it."""

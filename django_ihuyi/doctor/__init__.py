"""Examine a site without sending anything, and say what to do.

- `examination`: `examine`, the whole of it
- `diagnoses`: `Diagnosis`, one line of it
- `site`, `stores`, `channels`: what is examined, one function a finding
- `trials`: one real message, followed
- `phrases`: result codes and faults in the reader's language
"""

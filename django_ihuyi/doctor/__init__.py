"""Examine a site without sending a message, and report problems with their next steps.

- `examination`: `examine`, all steps
- `diagnoses`: `Diagnosis`, one line of the report
- `site`, `stores`, `channels`: the steps, one function each
- `trials`: one real message, sent and followed
- `phrases`: result codes and faults in the reader's language
"""

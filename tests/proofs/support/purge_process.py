"""A purge in a process of its own.

`python -m tests.proofs.support.purge_process [DIE_IN]` is killed -9 inside that transaction.
"""

import dataclasses
import itertools
import os
import signal
import sys

import django

django.setup()

from django_ihuyi.retention import purge, steps  # noqa: E402  (models want a set up Django)


def main(die_in):
    if die_in:
        transactions = itertools.count(1)
        steps.STEPS[:] = [
            dataclasses.replace(step, erase=dying(step.erase, transactions, die_in)) for step in steps.STEPS
        ]
    print("ready", flush=True)
    sys.stdin.readline()
    for batch in purge(batch_size=20):
        print(batch.rows, flush=True)


def dying(erase, transactions, die_in):
    """Erase; in one of the transactions die when it has erased, and not committed."""

    def erase_and_die(model, rows, *, using):
        erased = erase(model, rows, using=using)
        if next(transactions) == die_in:
            os.kill(os.getpid(), signal.SIGKILL)
        return erased

    return erase_and_die


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 0)

"""A host's receivers of signals, which leave a note of each."""

import os
import secrets
from pathlib import Path

from django.apps import AppConfig


class Witnesses(AppConfig):
    name = "tests.proofs"
    label = "witnesses"

    def ready(self):
        from django_ihuyi import signals  # noqa: PLC0415 - the models are there by now

        signals.message_changed.connect(note_message)
        signals.reply_received.connect(note_reply)


def note_message(sender, message, **kwargs):
    note("message", message.state, message.platform_id)


def note_reply(sender, reply, **kwargs):
    note("reply", reply.platform_id)


def note(*words):
    """One file for each signal: processes that write at once do not disturb each other."""
    (folder() / f"{secrets.token_hex(8)}.note").write_text(" ".join(words))


def notes(path):
    """Return what was told, in no order."""
    return [file.read_text() for file in path.glob("*.note")]


def folder():
    return Path(os.environ["PROOF_NOTES"])

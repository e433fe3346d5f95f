"""Constraints: rows that the database refuses, whatever code writes them."""

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.db.models import F
from django.utils import timezone

from django_ihuyi.models import Message, Verification
from tests.support.use_cases import guess_right, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

# A write that breaks each constraint.
BROKEN = {
    "ihuyi_verif_lives": lambda: Verification.objects.update(expires_at=F("created_at")),
    "ihuyi_verif_redeemed": lambda: Verification.objects.update(verified_at=None, proof_redeemed_at=timezone.now()),
    "ihuyi_msg_state": lambda: Message.objects.update(state="pigeon"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_database_refuses_what_breaks_a_constraint(name):
    guess_right(send())

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        BROKEN[name]()


def test_every_check_constraint_is_in_the_table_above():
    named = {
        constraint.name
        for model in apps.get_app_config("ihuyi").get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint)
    }

    assert set(BROKEN) == named

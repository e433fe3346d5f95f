"""A policy as hosts have one: it looks the number up among the users."""

from django.contrib.auth import get_user_model


def has_account(wanted):
    return get_user_model().objects.filter(username=wanted.phone).exists()

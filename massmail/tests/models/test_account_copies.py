"""A person saves an account that workers note things down in."""

from __future__ import annotations

import datetime as dt

import pytest

from massmail.models import EmailAccount
from massmail.tests.factories import NOW, EmailAccountFactory

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(seconds=30)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("next_send_at", LATER),
        ("warm_up_began_at", LATER),
        ("checked_at", LATER),
        ("failures_in_a_row", 3),
        ("last_error", "535 no"),
        ("max_message_bytes", 10_000_000),
    ],
)
def test_an_old_copy_does_not_undo_what_a_worker_noted(name, value):
    form_copy = EmailAccount.objects.get(pk=EmailAccountFactory().pk)
    EmailAccount.objects.update(**{name: value})

    form_copy.name = "renamed"
    form_copy.save()

    account = EmailAccount.objects.get()
    assert (account.name, getattr(account, name)) == ("renamed", value)


def test_setting_the_state_is_the_repair_even_of_an_old_copy():
    old_copy = EmailAccount.objects.get(pk=EmailAccountFactory().pk)
    EmailAccount.objects.update(state="stopped", state_reason="login_refused")

    old_copy.state, old_copy.state_reason, old_copy.paused_until = "active", "", None
    old_copy.save()

    account = EmailAccount.objects.get()
    assert (account.state, account.state_reason) == ("active", "")

"""An account is deleted at the very moment in which a launch gives it to rows."""

from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection
from django.db.models.signals import pre_delete

from massmail.models import EmailAccount
from massmail.tests.factories import EmailAccountFactory
from massmail.tests.mailings import draft

pytestmark = pytest.mark.usefixtures("default_policy")


@pytest.mark.django_db(transaction=True)
def test_no_row_gets_an_account_that_is_being_deleted(anna):
    """Else it could be launched with it, and wait for nobody when that has gone."""
    mailing = draft(anna, customers=1)
    account = EmailAccountFactory(owner=anna)
    outcomes, seen = [], []

    def give():
        try:
            outcomes.append(mailing.deliveries.update(email_account=account))
        except DatabaseError as error:
            outcomes.append(error)
        finally:
            connection.close()

    giving = threading.Thread(target=give)

    def give_meanwhile(**kwargs):
        giving.start()
        giving.join(0.5)
        seen.extend(outcomes)

    pre_delete.connect(give_meanwhile, sender=EmailAccount)
    try:
        EmailAccount.objects.get(pk=account.pk).delete()
    finally:
        pre_delete.disconnect(give_meanwhile, sender=EmailAccount)
    giving.join()

    assert seen == []
    assert isinstance(outcomes[0], DatabaseError)
    assert mailing.deliveries.get().email_account is None

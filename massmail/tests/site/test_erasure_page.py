"""A superuser erases a person without a shell."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages

from massmail.models import SuppressedAddress
from massmail.tests.factories import DeliveryFactory

ERASE = "/massmail/suppressedaddress/erase/"
pytestmark = [pytest.mark.urls("massmail.tests.site.urls"), pytest.mark.django_db]


@pytest.fixture
def sent():
    return DeliveryFactory(status="sent", recipient__email="zoe@example.com")


def test_the_address_is_typed_and_its_mails_lose_their_texts(browser, superuser, sent):
    DeliveryFactory(status="uncertain", address_key=sent.address_key)
    admin = browser(superuser)
    assert "cannot be undone" in admin.get(ERASE).content.decode()

    response = admin.post(ERASE, {"address": " Zoe@Example.com "})

    assert [str(text) for text in get_messages(response.wsgi_request)] == [
        "1 mail was erased.",
        "1 is on its way or uncertain: erase once more when it is not.",
    ]
    sent.refresh_from_db()
    assert (sent.address, sent.name) == ("", "")
    row = SuppressedAddress.objects.get()
    assert (row.address, row.source, row.by) == ("", "erased", superuser)
    html = admin.get(response["Location"]).text
    assert "an erased person" in html and row.address_key in html


@pytest.mark.parametrize("address", ["", "zoe", "zoe@", "\0"])
def test_what_is_no_address_erases_nobody(browser, superuser, sent, address):
    response = browser(superuser).post(ERASE, {"address": address})

    assert "address" in response.context["form"].errors
    assert not SuppressedAddress.objects.exists()


def test_only_superusers_find_the_page(browser, owner, superuser, sent):
    url = ERASE.removesuffix("erase/")

    assert browser(owner).get(ERASE).status_code == 403
    assert browser(owner).post(ERASE, {"address": sent.address}).status_code == 403
    assert "erase/" not in browser(owner).get(url).content.decode()
    assert "erase/" in browser(superuser).get(url).content.decode()
    assert not SuppressedAddress.objects.exists()

"""Numbers and the words beside them fit each other, in Russian, too."""

from __future__ import annotations

import pytest
from django.utils import translation

from massmail.models import (
    Delivery,
    EmlMessage,
    MailingOut,
    MessageVersion,
    Signature,
    TrackedLink,
)
from massmail.reports.statistics import Progress
from massmail.site.counted import counted
from massmail.site.create_mailing import changed_text
from massmail.site.mailing_facts import launching_facts, number_texts
from massmail.tests.factories import DeliveryFactory, MailingOutFactory
from massmail.tests.site.conftest import page


@pytest.mark.parametrize(
    ("language", "count", "word"),
    [
        ("en", 0, "recipients"),
        ("en", 1, "recipient"),
        ("ru", 1, "получатель"),
        ("ru", 3, "получателя"),
        ("ru", 21, "получатель"),
        ("ru", 60, "получателей"),
    ],
)
def test_the_number_of_recipients_has_its_word(language, count, word):
    mailing = MailingOut(recipients_count=count)

    with translation.override(language):
        texts = number_texts(mailing, Progress(dict.fromkeys(Delivery.Status, 0)))

    assert texts["recipients"] == word


def test_a_mailings_page_shows_the_word_where_a_refresh_brings_it(browser, owner):
    mailing = MailingOutFactory(owner=owner, launched=True, recipients_count=1)
    DeliveryFactory(mailing=mailing, email_account__owner=owner)

    html = browser(owner).get(page(mailing)).text

    tile = '<strong data-field="chosen">1</strong> <span data-field="recipients">'
    assert f"{tile}recipient</span>" in html


def test_the_duplicate_of_a_mailing_with_one_record_is_for_one(browser, owner):
    mailing = MailingOutFactory(owner=owner, launched=True, recipients_count=1)

    html = browser(owner).get(page(mailing, "duplicate")).text

    assert "to the 1 record of this mailing with the address and rights of" in html


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "0 of 1 recipient is checked."),
        (2, "0 of 2 recipients are checked."),
    ],
)
def test_what_is_being_checked_is_counted(count, text):
    assert launching_facts({"done": 0, "of": count})["text"] == text


def test_one_record_that_is_left_of_a_selection_is_one():
    assert changed_text(1, 2).startswith("The list has changed meanwhile: 1 record is ")
    assert changed_text(3, 2).startswith("The list has changed meanwhile: 3 records ar")


@pytest.mark.parametrize(
    ("model", "one", "many"),
    [
        (Delivery, "1 отправка", "60 отправок"),
        (EmlMessage, "1 сообщение", "60 сообщений"),
        (MailingOut, "1 рассылка", "60 рассылок"),
        (MessageVersion, "1 версия сообщения", "60 версий сообщений"),
        (Signature, "1 подпись", "60 подписей"),
        (TrackedLink, "1 отслеживаемая ссылка", "60 отслеживаемых ссылок"),
    ],
)
def test_what_keeps_an_object_is_counted_in_russian(model, one, many):
    with translation.override("ru"):
        assert [counted(model, 1), counted(model, 60)] == [one, many]

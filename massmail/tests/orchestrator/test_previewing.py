"""One recipient's copy before anything is sent, and what is wrong with it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.contenttypes.models import ContentType
from django.utils import formats, timezone, translation

from massmail import tokens
from massmail.models import (
    Delivery,
    EmailAccount,
    MassContact,
    SuppressedAddress,
)
from massmail.orchestrator.compiling import freeze
from massmail.orchestrator.preview_recipients import (
    extreme_recipient,
    found_recipients,
    own_recipient,
)
from massmail.orchestrator.previewing import fitting, preview, preview_signature
from massmail.recipients.registry import source_of, sources
from massmail.recipients.source import Recipient
from massmail.tests.factories import (
    AttachmentFactory,
    CustomerFactory,
    EmailAccountFactory,
    EmlMessageFactory,
    LibraryImageFactory,
    SignatureFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer, Member
from massmail.tests.mailings import POSTAL_ADDRESS, ready_settings

pytestmark = pytest.mark.django_db
FOOTER = '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def anna():
    return UserFactory(username="anna")


@pytest.fixture
def customers():
    return source_of(Customer)


@pytest.fixture
def zoe():
    return Recipient(
        "7", "zoe@example.com", "Zoë", variables={"first_name": "Zoë", "city": ""}
    )


def test_a_copy_is_filled_with_the_recipients_values(anna, customers, zoe):
    ready_settings()
    EmailAccountFactory(owner=anna, from_email="anna@example.com")
    message = EmlMessageFactory(
        owner=anna,
        subject="{{ first_name }}, hello",
        preheader="For {{ first_name }} from {{ sender_name }}",
        content="<p>Dear {{ first_name }}</p>" + FOOTER,
    )

    shown = preview(message, customers, zoe, anna)

    assert shown.sender.email == "anna@example.com"
    assert shown.subject == "Zoë, hello"
    assert shown.preheader == "For Zoë from Anna Sender"
    assert "Dear Zoë" in shown.html
    assert shown.text.startswith("Dear Zoë\n")
    assert POSTAL_ADDRESS in shown.text
    assert shown.links == ("{{ unsubscribe_url }}",)
    assert (shown.missing, shown.findings, shown.problem) == ((), (), None)
    assert shown.size > 1_000


def test_its_link_unsubscribes_nobody(anna, customers, zoe):
    ready_settings(public_base_url="https://news.example.com")
    message = EmlMessageFactory(owner=anna)

    shown = preview(message, customers, zoe, anna)

    assert 'href="https://news.example.com/news/u/preview"' in shown.html
    with pytest.raises(tokens.InvalidToken):
        tokens.read("unsubscribe", "preview")


def test_the_page_behind_its_link_changes_nothing(client, anna):
    MassContact.objects.create(
        content_type=ContentType.objects.get_for_model(Customer),
        object_id=str(CustomerFactory(owner=anna).pk),
    )

    client.post("/news/u/preview", {"confirm": "unsubscribe"})
    client.post("/news/u/preview", {"List-Unsubscribe": "One-Click"})

    assert MassContact.objects.get().subscribed
    assert not SuppressedAddress.objects.exists()


def test_nothing_is_stored(anna, customers, zoe):
    preview(EmlMessageFactory(owner=anna), customers, zoe, anna)

    assert not Delivery.objects.exists()


def test_missing_values_are_named(anna, customers, zoe):
    message = EmlMessageFactory(
        owner=anna,
        content="<p>{{ city }} {{ first_name }} {{ born }}</p>" + FOOTER,
    )

    shown = preview(message, customers, zoe, anna)

    assert shown.missing == ("city", "born")
    assert "Zoë" in shown.html


def test_findings_of_preflight_come_along(anna, customers, zoe):
    ready_settings()
    message = EmlMessageFactory(owner=anna, content="<p>Hello</p>")

    codes = {
        finding.code for finding in preview(message, customers, zoe, anna).findings
    }

    assert codes == {
        "no_unsubscribe_link",
        "no_unsubscribe_url_in_text",
        "no_postal_address",
    }


def test_a_problem_of_the_text_is_told_with_its_place(anna, customers, zoe):
    message = EmlMessageFactory(owner=anna, text="Hello\n  {% if %}")

    shown = preview(message, customers, zoe, anna)

    problem = shown.problem
    assert (problem.field, problem.line, problem.column) == ("text", 2, 3)
    assert shown.html == shown.text == ""


def test_a_variable_that_this_type_has_not_is_a_problem(anna, zoe, customers):
    message = EmlMessageFactory(owner=anna, subject="{{ company }}")

    assert preview(message, customers, zoe, anna).problem.field == "subject"
    assert preview(message, None, zoe, anna).problem is None


def test_a_value_that_does_not_fit_is_no_error_page(anna, customers, zoe):
    content = '<p><a href="{{ first_name }}">x</a></p>'
    message = EmlMessageFactory(owner=anna, content=content)

    shown = preview(message, customers, zoe, anna)

    assert "not an address" in shown.render_error
    assert shown.html == ""


def test_a_lost_file_is_no_error_page(anna, customers, zoe):
    attachment = AttachmentFactory(message__owner=anna)
    attachment.file.storage.delete(attachment.file.name)

    shown = preview(attachment.message, customers, zoe, anna)

    assert "missing from the storage" in str(shown.render_error)


def test_pictures_are_in_the_html_itself(anna, customers, zoe):
    LibraryImageFactory(owner=anna, tag="logo")
    message = EmlMessageFactory(
        owner=anna, content='<img src="{% cid_logo %}" alt="logo">' + FOOTER
    )

    html = preview(message, customers, zoe, anna).html

    assert 'src="data:image/png;base64,iVBOR' in html


def test_attachments_are_named(anna, customers, zoe):
    message = AttachmentFactory(message__owner=anna, filename="prices.pdf").message

    assert preview(message, customers, zoe, anna).attachments == ("prices.pdf",)


def test_without_an_account_there_is_no_sender_and_still_a_preview(
    anna, customers, zoe
):
    message = EmlMessageFactory(owner=anna)
    EmailAccountFactory()

    shown = preview(message, customers, zoe, anna)

    assert EmailAccount.objects.count() == 1
    assert shown.sender is None
    assert "Spring is here." in shown.html


def test_a_frozen_version_is_shown_as_it_was(anna, customers, zoe):
    message = EmlMessageFactory(owner=anna, subject="As launched")
    version = freeze(message)
    message.subject = "Edited"
    message.save()

    assert preview(version, customers, zoe, anna).subject == "As launched"
    assert preview(version, customers, zoe, None).sender is None


def test_a_signature_is_shown_alone(anna):
    EmailAccountFactory(owner=anna, from_name="Anna Lind")
    plain = SignatureFactory(owner=anna, content="{{ sender_name }}\nSales")

    shown = preview_signature(plain)

    assert shown.text.strip() == "Anna Lind\nSales"
    assert "Anna Lind<br>\nSales" in shown.html


def test_types_that_have_all_variables_fit():
    everybody = sources()
    city = EmlMessageFactory(subject="{{ city }}")
    company = EmlMessageFactory(subject="{{ company }} {{ first_name }}")
    broken = EmlMessageFactory(subject="{{ ")

    labels = {source.label for source in fitting(city, everybody)}
    assert {"hostapp.customer", "hostapp.member"} <= labels
    assert "hostapp.customer" not in {s.label for s in fitting(company, everybody)}
    assert fitting(broken, everybody) == []


def test_recipients_are_found_among_ones_own_by_name_and_address(anna, customers):
    CustomerFactory(name="Zoë of a stranger")
    zoe = CustomerFactory(owner=anna, name="Zoë Bell", email="z@example.com")
    max_ = CustomerFactory(owner=anna, name="Max", email="bellmax@example.org")
    CustomerFactory(owner=anna, name="Kim")

    def found(text: str) -> list[str]:
        return [row.object_id for row in found_recipients(customers, anna, text, 10)]

    assert found("zo") == [str(zoe.pk)]
    assert found("BELL") == [str(zoe.pk), str(max_.pk)]
    assert len(found("")) == 3
    assert found("nobody") == []


def test_only_ones_own_are_given_out(anna, customers):
    mine, theirs = CustomerFactory(owner=anna), CustomerFactory()

    assert own_recipient(customers, anna, str(mine.pk)).name == mine.name
    for object_id in (str(theirs.pk), "0", "x", ""):
        with pytest.raises(LookupError):
            own_recipient(customers, anna, object_id)


def test_the_extremes_are_those_of_ones_own_values(anna, customers):
    CustomerFactory(name="N" * 200, city="A very far away town")
    CustomerFactory(owner=anna, name="Al", city="", born=dt.date(2001, 2, 3))
    CustomerFactory(owner=anna, name="Maximiliane", city="Delft")

    longest = extreme_recipient(customers, anna, longest=True).variables
    emptiest = extreme_recipient(customers, anna, longest=False).variables

    assert longest["first_name"] == "Maximiliane"
    assert longest["city"] == "Delft"
    assert longest["born"] == dt.date(2001, 2, 3)
    assert emptiest == {"first_name": "Al", "city": "", "born": None}


def test_without_records_the_longest_values_are_the_names():
    source = source_of(Member)

    longest = extreme_recipient(source, UserFactory(), longest=True).variables

    assert longest["first_name"] == "(first_name)"


def test_dates_are_shown_as_they_will_be_sent(anna, customers, zoe):
    """In the language of the message, not of the page on which it is looked at."""
    message = EmlMessageFactory(
        owner=anna,
        preheader="{{ today }}",
        content='<html lang="de"><body>{{ today }}</body></html>',
    )

    with translation.override("ru"):
        shown = preview(message, customers, zoe, anna)

    day = timezone.localdate()
    with translation.override("de"):
        date = formats.date_format(day)
    assert (shown.preheader, shown.text) == (date, f"{date}\n")

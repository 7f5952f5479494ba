"""Messages in the admin: written with help, refused with the place, kept apart."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from massmail.models import Attachment, EmlMessage, MassmailSettings
from massmail.tests.factories import (
    AttachmentFactory,
    CustomerFactory,
    EmlMessageFactory,
    LibraryImageFactory,
    MailingOutFactory,
    SignatureFactory,
)
from massmail.tests.mailings import ready_settings
from massmail.tests.site.conftest import page

NO_FILES = {"attachments-TOTAL_FORMS": 0, "attachments-INITIAL_FORMS": 0}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def posted(**changes: object) -> dict[str, object]:
    return {"subject": "Spring", "content": "<p>Hi</p>", **NO_FILES, **changes}


def with_file(name: str, content: bytes = b"x", **changes: object) -> dict[str, object]:
    return posted(
        **{
            "attachments-TOTAL_FORMS": 1,
            "attachments-0-file": SimpleUploadedFile(name, content),
            **changes,
        }
    )


def errors(response) -> dict[str, list[str]]:
    return response.context["adminform"].form.errors


def test_a_message_belongs_to_who_wrote_it(browser, owner):
    browser(owner).post(page(EmlMessage, "add"), posted())

    assert EmlMessage.objects.get().owner == owner


@pytest.mark.parametrize(
    ("field", "source", "place"),
    [
        ("subject", "Hi {{ first_nam }}", "Line 1, column 4"),
        ("preheader", "{{ owner.password }}", "Line 1, column 1"),
        ("content", "<p>\n{% include 'x' %}</p>", "Line 2, column 1"),
        ("content", "\n\n<p>{{ nobody }}</p>", "Line 3, column 4"),
        ("content", "<style>{{ city }}</style>", "Line 1, column 8"),
        ("content", "<img src='{% cid_nobodys %}'>", "Line 1, column 11"),
        ("text", "a\nb\n  {{ x", "Line 3, column 3"),
    ],
)
def test_a_bad_text_is_refused_with_its_place_and_stays_on_the_page(
    browser, owner, field, source, place
):
    data = posted(preheader="typed with care") | {field: source}

    response = browser(owner).post(page(EmlMessage, "add"), data)

    assert place in errors(response)[field][0]
    form = response.context["adminform"].form
    assert {name: form[name].value() for name in ("subject", "preheader", field)} == {
        name: data[name] for name in ("subject", "preheader", field)
    }
    assert not EmlMessage.objects.exists()


def test_own_pictures_can_be_used_and_foreign_ones_cannot(browser, owner):
    LibraryImageFactory(owner=owner, tag="mine")
    LibraryImageFactory(tag="theirs")
    client = browser(owner)

    mine = client.post(
        page(EmlMessage, "add"), posted(content="<img src='{% cid_mine %}'>")
    )
    theirs = client.post(
        page(EmlMessage, "add"), posted(content="<img src='{% cid_theirs %}'>")
    )

    assert mine.status_code == 302
    assert "content" in errors(theirs)


@pytest.mark.parametrize("host", ["", "https://crm.example.com"])
def test_an_own_picture_by_its_pages_address_goes_with_the_mail(browser, owner, host):
    mine = LibraryImageFactory(owner=owner, tag="mine")
    theirs = LibraryImageFactory(tag="theirs")
    content = (
        f'<img alt="a" src="{host}{page(mine, "picture")}" width="20">'
        f"<img src='{page(theirs, 'picture')}'>"
    )

    browser(owner).post(page(EmlMessage, "add"), posted(content=content))

    assert EmlMessage.objects.get().content == (
        '<img alt="a" src="{% cid_mine %}" width="20">'
        f"<img src='{page(theirs, 'picture')}'>"
    )


def test_the_page_links_to_its_owner_only_for_who_may_open_that_page(browser, owner):
    message = EmlMessageFactory(owner=owner)
    link = f'<a href="{page(owner)}">{owner}</a>'
    rights = Permission.objects.filter(codename="view_user")

    assert link not in browser(owner).get(page(message)).content.decode()
    owner.user_permissions.add(*rights)
    assert link in browser(owner).get(page(message)).content.decode()


def test_a_new_message_begins_with_a_text_that_can_be_launched(browser, owner):
    ready_settings(company_name="Salt & Pepper")
    client = browser(owner)

    form = client.get(page(EmlMessage, "add")).context["adminform"].form
    content = form["content"].value()
    client.post(page(EmlMessage, "add"), posted(content=content))

    assert "Salt &amp; Pepper" in content
    preview = client.get(page(EmlMessage.objects.get(), "preview")).context["preview"]
    assert preview.problem is None
    assert preview.findings == ()


def test_the_default_signature_is_chosen_already(browser, owner):
    SignatureFactory(owner=owner)
    default = SignatureFactory(owner=owner, is_default=True)

    response = browser(owner).get(page(EmlMessage, "add"))

    assert response.context["adminform"].form["signature"].value() == default.pk


def test_only_own_signatures_are_offered(browser, owner):
    mine = SignatureFactory(owner=owner)
    SignatureFactory(name="somebody else's")

    response = browser(owner).get(page(EmlMessage, "add"))

    offered = response.context["adminform"].form.fields["signature"].queryset
    assert list(offered) == [mine]
    assert "somebody else" not in response.content.decode()


def test_a_foreign_signature_is_refused(browser, owner):
    foreign = SignatureFactory()

    response = browser(owner).post(
        page(EmlMessage, "add"), posted(signature=foreign.pk)
    )

    assert "signature" in errors(response)


def test_the_page_lists_variables_with_types_and_own_examples(browser, owner):
    CustomerFactory(name="A stranger's", city="Nowhere")
    CustomerFactory(owner=owner, name="Zoë", city="")
    CustomerFactory(owner=owner, name="Max", city="Delft")

    response = browser(owner).get(page(EmlMessage, "add"))

    offered = {row.name: row for row in response.context["recipients_variables"]}
    first_name, city = offered["first_name"], offered["city"]
    assert (first_name.example, city.example) == ("Zoë", "Delft")
    assert "Customers, Members, Subscribers" in first_name.meaning
    assert first_name.tag == "{{ first_name }}"
    assert first_name.fallback_tag == '{{ first_name|default:"Sir or Madam" }}'
    standard = [row.name for row in response.context["standard_variables"]]
    assert "unsubscribe_url" in standard
    assert "Nowhere" not in response.content.decode()


def test_the_page_offers_pictures_that_the_person_may_see(browser, owner, colleague):
    mine = LibraryImageFactory(owner=owner, tag="mine")
    LibraryImageFactory(owner=colleague, tag="theirs")

    [picture] = browser(owner).get(page(EmlMessage, "add")).context["pictures"]

    assert picture.tag == "{% cid_mine %}"
    assert 'src="{% cid_mine %}"' in picture.html
    assert picture.url == page(mine, "picture")


def test_the_help_costs_the_same_for_any_number_of_records(
    browser, owner, django_assert_max_num_queries
):
    for _number in range(30):
        CustomerFactory(owner=owner)
        LibraryImageFactory(owner=owner)
    client = browser(owner)

    with django_assert_max_num_queries(30):
        client.get(page(EmlMessage, "add"))


def test_the_page_names_the_mailings_that_the_person_may_see(
    browser, owner, colleague, superuser
):
    message = EmlMessageFactory(owner=owner)
    mine = MailingOutFactory(message=message, owner=owner, launched=True)
    theirs = MailingOutFactory(message=message, owner=colleague)

    context = browser(owner).get(page(message)).context
    everything = browser(superuser).get(page(message)).context

    assert [mailing for mailing, *_ in context["mailings"]] == [mine]
    assert {mailing for mailing, *_ in everything["mailings"]} == {mine, theirs}
    assert [status for *_, status in everything["mailings"]] == ["draft", "active"]


def test_the_page_says_that_a_launched_mailing_keeps_its_text(browser, owner):
    message = EmlMessageFactory(owner=owner)
    draft = MailingOutFactory(message=message, owner=owner)
    hint = "It keeps the text that it had then"
    client = browser(owner)

    assert hint not in client.get(page(message)).content.decode()
    draft.delete()
    MailingOutFactory(message=message, owner=owner, launched=True)
    assert hint in client.get(page(message)).content.decode()


def test_save_and_preview_leads_to_the_preview(browser, owner):
    message = EmlMessageFactory(owner=owner)

    response = browser(owner).post(page(message), posted(_preview="yes"))

    assert response["Location"] == page(message, "preview")
    message.refresh_from_db()
    assert message.subject == "Spring"


def test_a_message_that_one_may_only_see_is_shown_as_it_looks(browser, owner):
    """Its source is there for who opens it; nothing is said of saving."""
    message = EmlMessageFactory(owner=owner)
    MailingOutFactory(message=message, owner=owner, launched=True)
    rights = Permission.objects.filter(codename="view_emlmessage")
    owner.user_permissions.set(rights)

    response = browser(owner).get(page(message))

    html = response.content.decode()
    assert f'src="{page(message, "preview_frame")}"' in html
    [_first, (_name, source), *_] = response.context["adminform"].fieldsets
    assert source == {"fields": ["content", "text"], "classes": ["collapse"]}
    assert "When you save a change" not in html


def test_writing_for_a_mailing_leads_back_to_it(browser, owner):
    message = EmlMessageFactory(owner=owner)
    mailing = MailingOutFactory(message=message, owner=owner, name="May letter")
    url = f"{page(message)}?mailing={mailing.pk}"
    client = browser(owner)

    assert "May letter" in client.get(url).content.decode()
    assert client.post(url, posted(_save="Save"))["Location"] == page(mailing)


@pytest.mark.parametrize("asked", ["0", "x", "²", "9" * 30, ""])
def test_no_mailing_to_go_back_to_is_no_error(browser, owner, asked):
    url = f"{page(EmlMessageFactory(owner=owner))}?mailing={asked}"
    response = browser(owner).post(url, posted(_save="Save"))

    assert response["Location"] == page(EmlMessage, "changelist")


def test_a_foreign_mailing_is_not_gone_back_to(browser, owner, colleague):
    message = EmlMessageFactory(owner=owner)
    theirs = MailingOutFactory(message=message, owner=colleague, name="secret plans")
    url = f"{page(message)}?mailing={theirs.pk}"
    client = browser(owner)

    assert "secret plans" not in client.get(url).content.decode()
    assert client.post(url, posted(_save="Save"))["Location"] != page(theirs)


def test_a_message_that_a_mailing_has_is_not_deleted(browser, owner, colleague):
    message = EmlMessageFactory(owner=owner)
    MailingOutFactory(message=message, owner=colleague, name="not for your eyes")

    response = browser(owner).post(page(message, "delete"), {"post": "yes"})

    assert "1 mailing" in response.content.decode()
    assert "not for your eyes" not in response.content.decode()
    assert EmlMessage.objects.filter(pk=message.pk).exists()


def test_an_attachment_keeps_its_name_and_gets_its_type(browser, owner):
    browser(owner).post(page(EmlMessage, "add"), with_file("prix d'été.pdf", b"%PDF"))

    attachment = Attachment.objects.get()
    assert attachment.filename == "prix d'été.pdf"
    assert attachment.mime_type == "application/pdf"
    assert "prix" not in attachment.file.name


def test_a_stored_file_can_be_renamed(browser, owner):
    attachment = AttachmentFactory(message__owner=owner, filename="old.txt")
    data = {
        "attachments-TOTAL_FORMS": 1,
        "attachments-INITIAL_FORMS": 1,
        "attachments-0-id": attachment.pk,
        "attachments-0-message": attachment.message_id,
    }
    client = browser(owner)

    client.post(page(attachment.message), posted(**data))
    attachment.refresh_from_db()
    assert attachment.filename == "old.txt"

    data["attachments-0-filename"] = "new.csv"
    client.post(page(attachment.message), posted(**data))
    attachment.refresh_from_db()
    assert (attachment.filename, attachment.mime_type) == ("new.csv", "text/csv")


@pytest.mark.parametrize("name", ["setup.exe", "Invoice.PDF.JS", "a.bat"])
def test_a_file_that_providers_refuse_is_refused_here(browser, owner, name):
    response = browser(owner).post(page(EmlMessage, "add"), with_file(name))

    assert "Mail providers refuse" in response.content.decode()
    assert not EmlMessage.objects.exists()


def test_a_file_and_all_files_together_have_a_limit(browser, owner, monkeypatch):
    monkeypatch.setattr("massmail.forms.uploads.MAX_ATTACHMENT_BYTES", 1_000)
    monkeypatch.setattr("massmail.forms.uploads.MAX_MESSAGE_BYTES", 1_500)
    client, url = browser(owner), page(EmlMessage, "add")

    too_big = client.post(url, with_file("a.txt", b"x" * 1_001))
    second = SimpleUploadedFile("b.txt", b"x" * 800)
    changes = {"attachments-TOTAL_FORMS": 2, "attachments-1-file": second}
    too_much = client.post(url, with_file("a.txt", b"x" * 800, **changes))

    assert "The file is bigger than" in too_big.content.decode()
    assert "a message takes" in too_much.content.decode()
    assert not EmlMessage.objects.exists()


def test_the_page_tells_how_much_the_files_are(browser, owner):
    attachment = AttachmentFactory(message__owner=owner)

    response = browser(owner).get(page(attachment.message))

    assert "6\xa0bytes of at most 15.0\xa0MB" in response.context["files_in_words"]


def attachment_url(attachment: Attachment) -> str:
    arguments = [attachment.message_id, attachment.pk]
    return reverse("admin:massmail_emlmessage_attachment", args=arguments)


def test_a_file_is_given_to_who_may_see_its_message(browser, owner, colleague):
    attachment = AttachmentFactory(
        message__owner=owner, filename="präis.html", mime_type="text/html"
    )

    response = browser(owner).get(attachment_url(attachment))

    assert b"".join(response) == b"prices"
    assert response["Content-Type"] == "text/html"
    assert response["Content-Disposition"].startswith("attachment; ")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert browser(colleague).get(attachment_url(attachment)).status_code == 404


def test_a_file_of_another_message_and_a_lost_one_are_not_found(browser, owner):
    attachment = AttachmentFactory(message__owner=owner)
    stranger = AttachmentFactory()
    client = browser(owner)
    wrong = reverse(
        "admin:massmail_emlmessage_attachment",
        args=[attachment.message_id, stranger.pk],
    )

    assert client.get(wrong).status_code == 404
    attachment.file.storage.delete(attachment.file.name)
    assert client.get(attachment_url(attachment)).status_code == 404


def test_the_settings_are_not_stored_by_looking_at_the_page(browser, owner):
    browser(owner).get(page(EmlMessage, "add"))

    assert not MassmailSettings.objects.exists()


def test_a_text_of_another_page_is_not_replaced_in_passing(browser, owner):
    message = EmlMessageFactory(owner=owner, content="<p>First</p>")
    client, url = browser(owner), page(message)
    seen = client.get(url).context["adminform"].form["shown_since"].value()
    assert client.post(url, posted(content="<p>B</p>", shown_since=seen)).url

    late = client.post(url, posted(content="<p>Mine</p>", shown_since=seen))

    form = late.context["adminform"].form
    assert "has been changed since" in form.non_field_errors()[0]
    assert form["content"].value() == "<p>Mine</p>"
    message.refresh_from_db()
    assert message.content == "<p>B</p>"

    seen = form["shown_since"].value()
    assert client.post(url, posted(content="<p>Mine</p>", shown_since=seen)).url
    message.refresh_from_db()
    assert message.content == "<p>Mine</p>"


def test_a_page_that_was_refused_for_its_text_is_not_late(browser, owner):
    message = EmlMessageFactory(owner=owner)
    client, url = browser(owner), page(message)
    seen = client.get(url).context["adminform"].form["shown_since"].value()

    refused = client.post(url, posted(content="{{ nobody }}", shown_since=seen))

    form = refused.context["adminform"].form
    assert form.non_field_errors() == []
    assert client.post(url, posted(shown_since=form["shown_since"].value())).url

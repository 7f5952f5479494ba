"""Lists of messages and signatures: how each looks, and copies of several at once."""

from __future__ import annotations

import pytest

from massmail.models import EmlMessage, LibraryImage, Signature
from massmail.tests.factories import (
    EmlMessageFactory,
    GroupFactory,
    LibraryImageFactory,
    SignatureFactory,
)
from massmail.tests.site.conftest import page


def act(client, model, rows):
    data = {"action": "copy_selected", "_selected_action": [row.pk for row in rows]}
    return client.post(page(model, "changelist"), data, follow=True)


def notes(response):
    return [str(note) for note in response.context["messages"]]


@pytest.mark.parametrize(
    ("factory", "frame"),
    [(EmlMessageFactory, "preview_frame"), (SignatureFactory, "frame")],
)
def test_each_line_has_a_small_picture(browser, owner, factory, frame):
    row = factory(owner=owner)

    html = browser(owner).get(page(type(row), "changelist")).content.decode()

    assert f'src="{page(row, frame)}" loading="lazy" tabindex="-1"' in html


def test_several_messages_are_copied_at_once(browser, owner):
    rows = [EmlMessageFactory(owner=owner, subject=f"No. {n}") for n in range(3)]

    response = act(browser(owner), EmlMessage, rows[:2])

    assert notes(response) == ["2 were copied."]
    copies = EmlMessage.objects.exclude(pk__in=[row.pk for row in rows])
    assert {copy.subject for copy in copies} == {"No. 0", "No. 1"}
    assert {copy.owner for copy in copies} == {owner}


def test_what_cannot_be_copied_is_named_and_the_others_are(browser, owner):
    picture = LibraryImageFactory(owner=owner, tag="logo")
    bad = EmlMessageFactory(owner=owner, subject="Bad", content="<p>{% cid_logo %}</p>")
    good = EmlMessageFactory(owner=owner, subject="Good")
    # Of a colleague's library now, so that a copy needs its file.
    colleague = EmlMessageFactory().owner
    EmlMessage.objects.filter(pk=bad.pk).update(owner=colleague)
    LibraryImage.objects.update(owner=colleague)
    picture.file.delete(save=False)
    superuser = owner
    superuser.is_superuser = True
    superuser.save()

    response = act(browser(superuser), EmlMessage, [bad, good])

    assert notes(response) == [
        "“Bad” was not copied: A picture or file is missing from the storage.",
        "1 was copied.",
    ]


def test_a_copied_signature_is_no_second_default(browser, owner):
    signature = SignatureFactory(owner=owner, name="Yours", is_default=True)

    response = act(browser(owner), Signature, [signature])

    assert notes(response) == ["1 was copied."]
    copy = Signature.objects.exclude(pk=signature.pk).get()
    assert (copy.name, copy.owner, copy.is_default) == ("Yours (copy)", owner, False)
    assert (copy.type, copy.content) == (signature.type, signature.content)


def test_a_name_stays_within_its_length(browser, owner):
    signature = SignatureFactory(owner=owner, name="n" * 100)

    act(browser(owner), Signature, [signature])

    assert Signature.objects.exclude(pk=signature.pk).get().name == "n" * 100


def test_a_strangers_signature_is_not_copied(browser, owner, colleague):
    signature = SignatureFactory(owner=colleague)

    act(browser(owner), Signature, [signature])

    assert Signature.objects.count() == 1


def test_messages_are_filtered_by_department(browser, superuser):
    north, south = GroupFactory(), GroupFactory()
    EmlMessageFactory(department=north, subject="From the north")
    EmlMessageFactory(department=south, subject="From the south")

    query = {"department": north.pk}
    response = browser(superuser).get(page(EmlMessage, "changelist"), query)

    found = response.context["cl"].result_list
    assert [message.subject for message in found] == ["From the north"]

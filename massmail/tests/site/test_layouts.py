"""Layouts: chosen by their looks when a message is added."""

from __future__ import annotations

import pytest
from django.urls import reverse

from massmail.content.starter import LAYOUTS
from massmail.models import EmlMessage
from massmail.tests.factories import EmlMessageFactory
from massmail.tests.mailings import ready_settings
from massmail.tests.site.conftest import page


def chosen(client, **query: str):
    return client.get(page(EmlMessage, "add"), query).context


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_message_begins_with_the_layout_that_was_chosen(browser, owner, layout):
    ready_settings(company_name="Salt")
    context = chosen(browser(owner), layout=layout.name)

    [current] = [row for row in context["layouts"] if row["is_current"]]
    assert current["title"] == layout.title
    frame = browser(owner).get(current["frame"])
    assert frame.status_code == 200
    assert "sandbox" in frame["Content-Security-Policy"]


def test_the_layouts_are_different_texts(browser, owner):
    client = browser(owner)
    texts = {
        chosen(client, layout=layout.name)["adminform"].form["content"].value()
        for layout in LAYOUTS
    }

    assert len(texts) == len(LAYOUTS)


@pytest.mark.parametrize("asked", ["", "no-such", "../../admin/base", "\0"])
def test_any_other_name_gives_the_first_one(browser, owner, asked):
    context = chosen(browser(owner), layout=asked)

    assert context["layouts"][0]["is_current"]


def test_the_choice_keeps_what_the_page_was_opened_with(browser, owner):
    context = chosen(browser(owner), layout="offer", mailing="7")

    assert context["layouts"][3]["url"] == "?mailing=7&layout=letter"


def test_a_message_that_exists_is_not_offered_another_beginning(browser, owner):
    response = browser(owner).get(page(EmlMessageFactory(owner=owner)))

    assert "layouts" not in response.context


def test_who_may_not_write_messages_sees_no_layout(browser, owner):
    owner.user_permissions.clear()
    url = reverse("admin:massmail_emlmessage_layout")

    assert browser(owner).get(url).status_code == 403

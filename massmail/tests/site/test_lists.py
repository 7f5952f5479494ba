"""What the lists have in common."""

from __future__ import annotations

import pytest
from django.utils.html import escape

from massmail.models import (
    Alert,
    EmailAccount,
    EmlMessage,
    LibraryImage,
    MassContact,
    NamedLink,
    Signature,
    SuppressedAddress,
    TargetList,
)
from massmail.templatetags.massmail_lists import labelled
from massmail.tests.factories import EmlMessageFactory, SignatureFactory
from massmail.tests.site.conftest import page

LISTS = {
    EmlMessage: "A message is what your recipients read.",
    Signature: "A signature ends your messages",
    LibraryImage: "can be shown by all your messages",
    EmailAccount: "Mailings leave through your own mailboxes.",
    SuppressedAddress: "no mailing of anybody reaches it",
    TargetList: "whom you mail again and again",
    NamedLink: "one address for all your messages",
}


def shown(client, model: type, query: str = "") -> str:
    response = client.get(page(model, "changelist") + query)
    assert response.status_code == 200
    return response.text


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.model_name)
def test_an_empty_list_says_what_to_do_next(browser, owner, model):
    html = shown(browser(owner), model)

    names = escape(model._meta.verbose_name_plural)
    assert f"There are no {names} yet." in html
    assert LISTS[model] in html
    assert f'class="button mm-primary" href="{page(model, "add")}"' in html


def test_a_list_that_fills_itself_says_what_will_be_there(browser, owner):
    html = shown(browser(owner), Alert)

    assert "There are no alerts yet." in html
    assert "An alert tells what you have to see to" in html


def test_an_empty_list_offers_nothing_that_is_not_allowed(browser, owner):
    owner.user_permissions.remove(owner.user_permissions.get(codename="add_signature"))

    assert "button mm-primary" not in shown(browser(owner), Signature)
    assert "button mm-primary" not in shown(browser(owner), MassContact)


def test_a_search_without_result_leads_back_to_all(browser, owner):
    SignatureFactory(owner=owner, name="Mine")

    html = shown(browser(owner), Signature, "?q=zzz")

    assert "Nothing is like that." in html
    assert "There are no" not in html


@pytest.mark.parametrize(("person", "is_told"), [("owner", False), ("superuser", True)])
def test_whose_a_row_is_stands_there_for_who_sees_several_peoples(
    browser, owner, superuser, request, person, is_told
):
    EmlMessageFactory(owner=owner, subject="The spring letter")

    html = shown(browser(request.getfixturevalue(person)), EmlMessage)

    assert "The spring letter" in html
    assert ("column-owner" in html) is is_told


def test_a_cell_says_of_what_column_it_is(browser, owner):
    """On a phone the head of the table is not shown."""
    SignatureFactory(owner=owner, name="<b>")

    html = shown(browser(owner), Signature)

    assert '<td data-label="Type" class="field-type' in html
    assert html.count("data-label=") == len(("checkbox", "picture", "type", "default"))
    assert "&lt;b&gt;</a>" in html


def test_a_cell_without_a_value_takes_no_line_on_a_phone():
    """Its column's name alone would stand there."""
    blanks = ["<td>-</td>", "<td>–</td>", "<td></td>"]
    cells = [*blanks, "<td>a - b</td>", "<td><b>-</b></td>", "<th>-</th>"]
    headers = [{"text": "sent"}] * len(cells)

    found = labelled(cells, headers)

    blank = '<td data-label="Sent" data-blank>'
    assert found[:3] == [f"{blank}-</td>", f"{blank}–</td>", f"{blank}</td>"]
    filled = '<td data-label="Sent">'
    assert found[3:] == [f"{filled}a - b</td>", f"{filled}<b>-</b></td>", "<th>-</th>"]

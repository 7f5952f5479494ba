"""The small picture of a mailing's text in the list of mailings."""

from __future__ import annotations

import pytest

from massmail.models import EmlMessage, MailingOut
from massmail.orchestrator.lifecycle import launch
from massmail.site.previews import FRAME_HEADERS
from massmail.tests.factories import EmailAccountFactory, MailingOutFactory
from massmail.tests.mailings import draft, ready_settings
from massmail.tests.site.conftest import page

TEXT = (
    "<p>{words} {{{{ first_name }}}}</p>"
    '<p>{{{{ postal_address }}}} <a href="{{{{ unsubscribe_url }}}}">No more</a></p>'
)


@pytest.fixture
def mailing(owner):
    ready_settings()
    EmailAccountFactory(owner=owner)
    return draft(owner, content=TEXT.format(words="Good news for"))


def test_each_line_shows_its_own_mailing(browser, owner, mailing):
    response = browser(owner).get(page(MailingOut, "changelist"))

    html = response.content.decode()
    assert f'src="{page(mailing, "picture")}" loading="lazy" tabindex="-1"' in html


def test_a_draft_is_shown_as_it_reads_now(browser, owner, mailing):
    response = browser(owner).get(page(mailing, "picture"))

    assert response.status_code == 200
    assert "Good news for Customer 0" in response.content.decode()
    policy = "Content-Security-Policy"
    assert response[policy] == FRAME_HEADERS[policy]


def test_a_launched_one_is_shown_as_it_was_sent(browser, owner, mailing):
    launch(mailing, by=owner)
    EmlMessage.objects.update(content=TEXT.format(words="Other news for"))

    response = browser(owner).get(page(mailing, "picture"))

    assert "Good news for Customer 0" in response.content.decode()


def test_a_text_that_cannot_be_shown_is_no_error_page(browser, owner, mailing):
    EmlMessage.objects.update(content="<p>{% broken</p>")

    response = browser(owner).get(page(mailing, "picture"))

    assert response.status_code == 200
    assert "There is no HTML to be shown." in response.content.decode()


def test_a_colleague_sees_none_of_it(browser, colleague, mailing):
    response = browser(colleague).get(page(mailing, "picture"))

    assert response.status_code == 404
    assert "Good news" not in response.content.decode()


def test_a_superuser_sees_it_with_values_of_his_own(browser, superuser, mailing):
    response = browser(superuser).get(page(mailing, "picture"))

    assert response.status_code == 200
    assert "Good news for" in response.content.decode()


def test_only_looking_is_possible(browser, owner, mailing):
    assert browser(owner).post(page(mailing, "picture")).status_code == 405


def test_the_pictures_cost_the_list_no_query(
    browser, owner, django_assert_max_num_queries
):
    client = browser(owner)
    MailingOutFactory(owner=owner)
    client.get(page(MailingOut, "changelist"))
    with django_assert_max_num_queries(60) as one:
        client.get(page(MailingOut, "changelist"))
    MailingOutFactory.create_batch(5, owner=owner)

    with django_assert_max_num_queries(len(one.captured_queries)):
        client.get(page(MailingOut, "changelist"))

"""What is shown when a page cannot be."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError
from django.test import Client, RequestFactory

from crm.site import errors
from massmail.models import MassmailSettings

pytestmark = pytest.mark.django_db


def test_a_foreign_page_is_refused_in_the_look_of_the_site(client, owner):
    client.force_login(owner)

    response = client.get("/auth/user/")

    assert response.status_code == 403
    assert "Not yours to open" in response.text
    assert 'href="/crm/contact/"' in response.text


def test_an_unknown_page_leads_back(client, owner):
    client.force_login(owner)

    response = client.get("/no/such/page")

    assert response.status_code == 404
    assert "Page not found" in response.text
    assert "To the start page" in response.text


def test_a_stranger_learns_nothing_of_the_site_from_an_unknown_page(client):
    for path in ("", "/", "/u/", "/u", "/c/x", "/o/", "/no/such/page", "/l/a%0d%0ab"):
        response = client.get(f"/news{path}")

        assert response.status_code == 404
        assert "This page is no longer here" in response.text
        assert "CRM" not in response.text
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"
        assert "Cookie" not in response["Vary"]


@pytest.mark.parametrize("urlconf", ["settings.urls", "settings.public_urls"])
def test_a_recipient_learns_nothing_of_the_site_from_a_fault(
    settings, monkeypatch, urlconf
):
    def lost(*_args):
        raise OperationalError("the server closed the connection")

    settings.ROOT_URLCONF = urlconf
    monkeypatch.setattr(MassmailSettings, "load", lost)
    client = Client(raise_request_exception=False)

    response = client.get("/news/u/x", headers={"accept-language": "de"})

    assert response.status_code == 500
    assert "Etwas ist schiefgegangen" in response.text
    assert 'href="' not in response.text
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in response["Content-Security-Policy"]


def test_the_recipients_own_host_has_nothing_but_their_pages(settings):
    settings.ROOT_URLCONF = "settings.public_urls"

    for path in ("/", "/login/", "/robots.txt"):
        response = Client().get(path)
        assert response.status_code == 404
        assert "This page is no longer here" in response.text
        assert response["Cache-Control"] == "no-store"
    foreign = Client().get("/", headers={"host": "evil.example"})
    assert (foreign.status_code, foreign["Cache-Control"]) == (400, "no-store")


def test_a_form_from_before_the_last_login_says_that_nothing_changed(owner):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)

    response = client.post("/crm/contact/add/", {"last_name": "Late"})

    assert response.status_code == 403
    assert "Nothing was changed" in response.text


def test_who_is_locked_out_reads_for_how_long(rf):
    request = rf.post("/login/")
    request.user = AnonymousUser()

    response = errors.locked_out(request, None, {})

    assert response.status_code == 429
    assert "Wait an hour" in response.text
    assert "To the start page" not in response.text


def test_an_error_page_needs_neither_database_nor_session(
    django_assert_num_queries, rf: RequestFactory
):
    with django_assert_num_queries(0):
        response = errors.broken(rf.get("/news/anything/"))

    assert response.status_code == 500
    assert "Something went wrong" in response.text
    assert "CRM" not in response.text


def test_a_crash_ends_on_the_error_page(client, owner, monkeypatch):
    def crash(*args, **kwargs):
        raise RuntimeError("The database's words are nobody's business")

    monkeypatch.setattr("crm.site.crm_site.CrmAdminSite.get_app_list", crash)
    client.force_login(owner)
    client.raise_request_exception = False

    response = client.get("/")

    assert response.status_code == 500
    assert "nobody's business" not in response.text

"""Links that work under the main urlconf and under a host of their own."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import resolve, set_script_prefix
from django.urls.base import clear_script_prefix

from massmail import tokens
from massmail.checks import check_public_pages
from massmail.tracking.public_links import path_to_page, unsubscribe_url

KEY = "0123456789abcdef" * 2


def link(base_url: str = "https://news.example.com") -> str:
    return unsubscribe_url(base_url=base_url, delivery_id=42, address_key=KEY)


def test_the_link_carries_the_delivery_and_nothing_in_clear():
    url = link()

    text = url.rpartition("/")[2]
    assert url == f"https://news.example.com/news/u/{text}"
    assert tokens.read("unsubscribe", text) == tokens.Token(42, KEY)
    assert KEY not in url


def test_a_long_host_name_leaves_the_link_short_enough():
    assert len(link("https://" + "a" * 100 + ".example.com")) <= 200


@pytest.mark.parametrize("urlconf", ["settings.urls", "settings.public_urls"])
def test_the_link_resolves_under_both_urlconfs(urlconf):
    path = link().removeprefix("https://news.example.com")

    assert resolve(path, urlconf).view_name == "massmail_public:unsubscribe"


def test_without_a_public_urlconf_the_main_one_is_used():
    massmail = settings.MASSMAIL | {"PUBLIC_URLCONF": ""}
    with override_settings(MASSMAIL=massmail):
        assert link().startswith("https://news.example.com/news/u/")


@pytest.mark.parametrize("urlconf", ["massmail.urls", "no.such.module"])
def test_a_urlconf_without_the_pages_is_an_error_of_the_deployment(urlconf):
    assert check_public_pages() == []

    with override_settings(MASSMAIL=settings.MASSMAIL | {"PUBLIC_URLCONF": urlconf}):
        assert [error.id for error in check_public_pages()] == ["massmail.E004"]


def test_a_web_process_below_a_script_name_makes_the_same_link_as_a_worker():
    made_by_worker = link()
    path_to_page.cache_clear()
    set_script_prefix("/crm/")
    try:
        assert link() == made_by_worker
    finally:
        clear_script_prefix()

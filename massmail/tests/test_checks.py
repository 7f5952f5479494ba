"""What a deployment has wrong is said before the first mailing shows it."""

from __future__ import annotations

import pytest
from django.core.checks import registry

from massmail import checks
from massmail.recipients.registry import register, sources, unregister
from massmail.recipients.source import RecipientSource
from massmail.tests.hostapp.massmail_recipients import MemberRecipients
from massmail.tests.hostapp.models import Member


@pytest.fixture
def changed(settings):
    def change(**values):
        settings.MASSMAIL = {**settings.MASSMAIL, **values}

    return change


@pytest.fixture
def members_are():
    """Puts another source in the place of the members' one."""

    def replace(source_class):
        unregister(Member)
        register(Member)(source_class)

    yield replace
    replace(MemberRecipients)


def ids(messages):
    return [message.id for message in messages]


def test_the_suites_own_settings_are_sound():
    assert checks.check_settings() == []
    assert checks.check_sources() == []


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"NO_SUCH_NAME": 1}, ["massmail.E001"]),
        ({"ACCESS_POLICY": "nowhere.Policy"}, ["massmail.E001"]),
        ({"ACCESS_POLICY": "massmail.recipients.access.Nobody"}, ["massmail.E001"]),
        ({"ADDRESS_KEY": ""}, ["massmail.E002"]),
    ],
)
def test_what_is_wrong_with_the_settings(changed, values, found):
    changed(**values)

    assert ids(checks.check_settings()) == found


@pytest.mark.parametrize("urlconf", ["nowhere.urls", "django.contrib.auth.urls"])
def test_mail_needs_a_way_to_its_unsubscribe_page(changed, urlconf):
    assert checks.check_public_pages() == []

    changed(PUBLIC_URLCONF=urlconf)

    assert ids(checks.check_public_pages()) == ["massmail.E004"]


@pytest.mark.parametrize("keys", [None, [], ["short"]])
def test_encryption_keys_that_cannot_be_used(settings, keys):
    settings.FIELD_ENCRYPTION_KEYS = keys

    assert ids(checks.check_settings()) == ["massmail.E001"]


def test_paths_that_lead_nowhere_are_named(members_are):
    class Wrong(RecipientSource):
        address, name = "mail", "name"
        variables = {"company": "owner__company__name", "city": "city"}

    members_are(Wrong)

    messages = checks.check_sources()
    assert ids(messages) == ["massmail.E003"] * 2
    assert "'mail'" in messages[0].msg
    assert "'owner__company__name'" in messages[1].msg


def test_a_source_without_an_address_is_an_error(members_are):
    class NoAddress(RecipientSource):
        name = "name"

    members_are(NoAddress)

    [message] = checks.check_sources()
    assert message.id == "massmail.E003"
    assert "address" in message.msg


def test_without_any_source_there_is_a_warning(monkeypatch):
    monkeypatch.setattr("massmail.recipients.registry._sources", {})
    assert sources() == []

    assert ids(checks.check_sources()) == ["massmail.W001"]


@pytest.mark.parametrize(
    ("engine", "found"),
    [
        ("django.db.backends.sqlite3", ["massmail.W002"]),
        ("django.db.backends.postgresql", []),
    ],
)
def test_sqlite_is_warned_of_where_it_is_deployed(monkeypatch, engine, found):
    monkeypatch.setitem(checks.settings.DATABASES["default"], "ENGINE", engine)

    assert ids(checks.check_database()) == found


def test_all_checks_are_registered():
    every_day = registry.registry.get_checks()
    deploy = registry.registry.get_checks(include_deployment_checks=True)

    assert {
        checks.check_settings,
        checks.check_sources,
        checks.check_public_pages,
    } <= set(every_day)
    assert checks.check_database not in every_day
    assert checks.check_database in deploy


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", []),
        ("crm.example.com", []),
        ("[192.0.2.1]", []),
        ("two words", ["massmail.E007"]),
        ("größe.example.com", ["massmail.E007"]),
    ],
)
def test_servers_are_greeted_with_one_printable_word(changed, name, found):
    changed(EHLO_NAME=name)

    assert ids(checks.check_ehlo_name()) == found

"""What a deployment has wrong is said before the first mailing shows it."""

from __future__ import annotations

import pytest
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.models import Permission
from django.core.checks import registry
from django.db.models import Q

from massmail import checks
from massmail.admin_actions import MailingActions
from massmail.checks import database, project, providers, recipients
from massmail.recipients.registry import register, sources, unregister
from massmail.recipients.source import RecipientSource
from massmail.site.mailing_columns import MailingColumns
from massmail.site.record_mailings import RecordMailings
from massmail.tests.hostapp.massmail_recipients import MemberRecipients
from massmail.tests.hostapp.models import Member

EVERY_DAY = [
    check
    for check in registry.registry.get_checks()
    if check.__module__.startswith(f"{checks.__name__}.")
]


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
        ({"ACCESS_POLICY": "massmail.tests.hostapp.models.Member"}, ["massmail.E001"]),
        ({"CLAIM_BATCH": "50"}, ["massmail.E001"]),
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


def test_a_setting_that_cannot_be_read_is_told_once(settings):
    settings.MASSMAIL = {"NO_SUCH_NAME": 1}

    found = [message.id for check in EVERY_DAY for message in check()]
    assert found == ["massmail.E001"]


def test_missing_keys_do_not_hide_each_other(settings):
    settings.FIELD_ENCRYPTION_KEYS, settings.MASSMAIL = [], {}

    assert ids(checks.check_settings()) == ["massmail.E001", "massmail.E002"]


@pytest.mark.parametrize("name", ["PUBLIC_BASE_URL", "STAFF_BASE_URL"])
def test_links_need_a_scheme(changed, name):
    changed(**{name: "news.example.com"})
    assert ids(checks.check_addresses()) == ["massmail.E008"]

    changed(**{name: "https://news.example.com/"})
    assert checks.check_addresses() == []


@pytest.mark.parametrize("name", ["common", "django.contrib.humanize"])
def test_apps_whose_templates_are_used_must_be_installed(monkeypatch, name):
    assert checks.check_project() == []

    monkeypatch.setattr(project.apps, "is_installed", lambda app: app != name)

    [error] = checks.check_project()
    assert error.id == "massmail.E009"
    assert f"'{name}'" in error.msg


def test_moments_need_a_time_zone(settings):
    settings.USE_TZ = False

    assert ids(checks.check_project()) == ["massmail.E010"]


def test_users_need_the_columns_that_are_asked_for(monkeypatch):
    monkeypatch.setattr(project, "get_user_model", lambda: Member)

    [error] = checks.check_project()
    assert error.id == "massmail.E011"
    assert "is_active, is_staff" in error.msg


class ReadsElsewhere:
    """Reads come from a copy that lags behind."""

    def db_for_read(self, model, **hints):
        return "copy" if model is Member else None


def test_recipients_are_in_the_database_of_the_ledger(settings):
    assert checks.check_one_database() == []

    settings.DATABASE_ROUTERS = [f"{__name__}.{ReadsElsewhere.__name__}"]

    [error] = checks.check_one_database()
    assert error.id == "massmail.E012"
    assert "hostapp.Member" in error.msg
    assert "Customer" not in error.msg


def test_providers_need_their_libraries(changed, monkeypatch):
    changed(OAUTH={"google": {"CLIENT_ID": "x"}})
    assert checks.check_oauth() == []

    monkeypatch.setattr(providers, "find_spec", lambda name: None)

    assert ids(checks.check_oauth()) == ["massmail.E013"]


def test_a_registration_is_for_a_provider_that_there_is(changed):
    changed(OAUTH={"google": {"CLIENT_ID": "x"}})
    assert checks.check_provider_names() == []

    changed(OAUTH={"gogle": {"CLIENT_ID": "x"}, "microsoft": {"CLIENT_ID": "x"}})

    [error] = checks.check_provider_names()
    assert error.id == "massmail.E015"
    assert "'gogle'" in error.msg
    assert error.hint == "There are: google, microsoft."


@pytest.mark.parametrize("mixin", [MailingActions, MailingColumns, RecordMailings])
def test_mixins_are_for_records_that_can_be_mailed(monkeypatch, mixin):
    site = AdminSite()
    monkeypatch.setattr(recipients, "all_sites", [site])
    site.register(Member, type("People", (mixin, ModelAdmin), {}))
    assert checks.check_mixins() == []

    site.register(Permission, type("Rights", (mixin, ModelAdmin), {}))

    [warning] = checks.check_mixins()
    assert warning.id == "massmail.W004"
    assert "Rights" in warning.msg and "auth.Permission" in warning.msg


class FakeConnection:
    def __init__(self, vendor, **options):
        self.vendor, self.settings_dict = vendor, {"OPTIONS": options}


@pytest.mark.parametrize(
    ("connection", "found"),
    [
        (FakeConnection("postgresql"), []),
        (FakeConnection("mysql"), ["massmail.E014"]),
        (FakeConnection("sqlite"), ["massmail.W003"]),
        (FakeConnection("sqlite", transaction_mode="IMMEDIATE"), ["massmail.W003"]),
        (FakeConnection("sqlite", transaction_mode="IMMEDIATE", timeout=20), []),
    ],
)
def test_two_databases_serve_and_one_of_them_has_to_be_told(
    monkeypatch, connection, found
):
    monkeypatch.setattr(database, "connection", connection)

    assert ids(checks.check_vendor()) == found


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"exclusions": {"odd": Q(nothing=1)}}, "the exclusion 'odd'"),
        ({"exclusions": {"odd": {"city": "Oslo"}}}, "is no Q"),
        ({"variables": {"first-name": "name"}}, "'first-name'"),
        ({"variables": {"today": "born"}}, "'today' has a meaning of its own"),
    ],
)
def test_what_else_a_source_may_have_wrong(members_are, attributes, words):
    members_are(type("Wrong", (MemberRecipients,), attributes))

    [message] = checks.check_sources()
    assert message.id == "massmail.E003"
    assert words in message.msg


def test_a_source_that_does_not_say_who_may_mail(members_are):
    class Nobody(RecipientSource):
        address = "email"

    members_are(Nobody)

    [message] = checks.check_sources()
    assert "addressable_by()" in message.msg


def test_paths_that_lead_nowhere_are_named(members_are):
    class Wrong(MemberRecipients):
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
    monkeypatch.setitem(database.settings.DATABASES["default"], "ENGINE", engine)

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

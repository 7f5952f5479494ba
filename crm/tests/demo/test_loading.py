"""The demo's data."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.models import Group
from django.db.models import Count
from PIL import Image

from crm.demo.accounts import AMPLE
from crm.demo.loading import empty_database, load_demo
from crm.demo.staff import COLLEAGUES, is_demo_database
from crm.models import Company, Contact, Country, Department, Lead
from massmail.audience.snapshot import create_mailing
from massmail.models import (
    EmailAccount,
    LibraryImage,
    MassContact,
    MassmailSettings,
)
from massmail.orchestrator.lifecycle import launch

User = get_user_model()


@pytest.fixture
def message(db, demo_media):
    return load_demo(
        contacts=300,
        smtp_port=2525,
        base_url="http://127.0.0.1:8000",
        company_url="http://127.0.0.1:8000/company/",
    )


def test_the_numbers_are_as_promised(message):
    assert Contact.objects.count() == 300
    assert Company.objects.count() == 60
    assert Lead.objects.count() == 100
    assert Department.objects.count() == 2
    assert Country.objects.count() == 249
    assert set(User.objects.values_list("username", flat=True)) == {
        colleague.username for colleague in COLLEAGUES
    }


def test_the_colleagues_have_their_roles(message):
    def groups(username):
        return set(
            User.objects.get(username=username).groups.values_list("name", flat=True)
        )

    assert User.objects.get(username="admin").is_superuser
    assert groups("anna") == {"managers", "Sales North"}
    assert groups("marek") == {"managers", "Sales South"}
    assert groups("olive") == {"operators", "Sales North"}
    assert groups("carmen") == {"chiefs", "Sales North"}


def test_they_log_in_with_the_password_that_is_shown(message, rf):
    assert authenticate(rf.post("/"), username="marek", password="demo")


def test_the_mailing_is_launched_with_nine_in_ten(message):
    mailing = create_mailing(
        owner=message.owner, message=message, recipients=Contact.objects.all()
    )
    launch(mailing, by=message.owner)

    rows = mailing.deliveries
    skipped = dict(
        rows.filter(status="skipped").values_list("reason").annotate(count=Count("pk"))
    )
    assert rows.filter(status="queued").count() == 276
    assert skipped == {
        "no_address": 3,
        "invalid_address": 3,
        "duplicate": 3,
        "opted_out": 3,
        "disqualified": 3,
        "suppressed": 3,
        "not_assigned": 6,
    }


def test_vips_leave_through_the_main_account_and_the_others_through_two(message):
    mailing = create_mailing(
        owner=message.owner, message=message, recipients=Contact.objects.all()
    )
    launch(mailing, by=message.owner)

    counts = dict(
        mailing.deliveries.filter(status="queued")
        .values_list("email_account__name")
        .annotate(count=Count("pk"))
    )
    assert MassContact.objects.filter(is_vip=True).count() == 5
    assert counts.pop("Anna's own") == 5
    assert sum(counts.values()) == 271
    assert set(counts) == {"News of Larkfield", "Letters of Larkfield"}
    assert min(counts.values()) >= 135


def test_accounts_have_no_gaps_and_ample_limits(message):
    for account in EmailAccount.objects.all():
        assert not account.has_gaps
        assert account.per_minute == account.per_hour == account.per_day == AMPLE
        assert (account.email_host, account.email_port) == ("127.0.0.1", 2525)
        assert (account.security, account.auth) == ("none", "none")


def test_names_that_look_like_code_are_there(message):
    first_names = set(Contact.objects.values_list("first_name", flat=True))

    assert "{{ unsubscribe_url }}" in first_names
    assert '<script>alert("Hi")</script>' in first_names
    assert max(len(name) for name in full_names()) == 200


def full_names():
    return Contact.objects.values_list("full_name", flat=True)


def test_the_links_lead_to_the_demos_own_site(message):
    settings = MassmailSettings.load()

    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.unsubscribe_redirect_url == "http://127.0.0.1:8000/company/"
    assert "Mill Lane" in settings.postal_address


def test_the_picture_is_small_and_sharp(message):
    image = LibraryImage.objects.get()
    with image.file.open() as file:
        content = file.read()

    assert (
        Image.open(BytesIO(content)).size == (image.width, image.height) == (1200, 400)
    )
    assert len(content) < 20_000


@pytest.mark.django_db(transaction=True)
def test_a_second_load_gives_the_same_people(message):
    before = list(Contact.objects.order_by("pk").values_list("full_name", "email"))
    empty_database()

    load_demo(contacts=300, smtp_port=1, base_url="", company_url="")

    after = list(Contact.objects.order_by("pk").values_list("full_name", "email"))
    assert after == before


@pytest.mark.django_db(transaction=True)
def test_emptying_leaves_nothing_but_the_roles(message):
    image = LibraryImage.objects.get()
    path, storage = image.file.name, image.file.storage

    empty_database()

    assert not User.objects.exists()
    assert not storage.exists(path)
    assert set(Group.objects.values_list("name", flat=True)) == {
        "managers",
        "chiefs",
        "operators",
        "superoperators",
        "department heads",
    }


def test_a_database_with_anybody_else_is_no_demo(message):
    assert is_demo_database()

    User.objects.create_user("somebody")

    assert not is_demo_database()


def test_a_namesake_is_somebody_else(db):
    User.objects.create_user("anna", email="anna@company.example.com")

    assert not is_demo_database()


def test_an_empty_database_may_become_one(db):
    assert is_demo_database()

"""Every page × every role × GET and POST; new pages take part by themselves.

A new page with arguments fails here until `world.py` has a row for it: an admin page
finds the sample of its model, others name their arguments in `ARGUMENTS`.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.forms.models import model_to_dict
from django.http import HttpResponse

from crm.models import Contact
from massmail.models import EmlMessage
from settings.tests.pages import Page, page_of, pages
from settings.tests.world import (
    ANONYMOUS,
    HEAD,
    MAIL_MARK,
    OPERATOR,
    OWNER,
    RECORD_MARK,
    ROLES,
    SECRET_MARK,
    SHARED,
    SUPEROPERATOR,
    SUPERUSER,
    TEAM,
    Sample,
    World,
)
from settings.tests.writes import recorded_writes

PUBLIC = "news/"
OPEN = ("login/", "logout/", "jsi18n/")
# Pages on which everybody with the right makes something of his own.
ADDING = ("/add/", "massmail/emlmessage/import/")
# Django and its packages: what these rows are is not an owner's matter.
FOREIGN_APPS = {"axes"}
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> Iterator[World]:
    """Built once; each request is rolled back to this."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield World().build()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def quiet(caplog) -> None:
    """Thousands of expected refusals, each with a traceback, cost more than the
    requests."""
    caplog.set_level(logging.CRITICAL, logger="django.request")


@pytest.fixture(autouse=True)
def offline(monkeypatch) -> None:
    """A page that connects to a mail server finds none; no name is asked for."""

    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "there is no network")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)


def arguments(world: World) -> dict[str, object]:
    """Values for the arguments of pages that are not a model's admin pages."""
    return {
        "token": world.token,
        "code": "nocode",
        "slug": "no-slug",
        "pk": world.account.pk,
        "app_label": "massmail",
        "url": "no/such/page",
        "content_type_id": ContentType.objects.get_for_model(Contact).pk,
        "object_id": world.samples[Contact].obj.pk,
    }


@dataclass(frozen=True)
class Visit:
    """A page with its arguments filled in."""

    page: Page
    path: str
    sample: Sample | None

    @property
    def is_public(self) -> bool:
        return self.page.route.startswith(PUBLIC)

    def may_be_read_by(self, role: str) -> bool:
        return not self.sample or role in self.sample.seen_by


def visit(world: World, page: Page) -> Visit:
    """Raises KeyError when a page has an argument that nothing fills."""
    model = page.model
    if not model or not page.arguments:
        return Visit(page, page.path(arguments(world)), None)
    if model._meta.app_label in FOREIGN_APPS:
        return Visit(page, page.path({"object_id": 1}), None)
    if model._meta.proxy:
        return Visit(page, page.path({"object_id": 1}), Sample(model(), {SUPERUSER}))
    sample = world.samples[model]
    values = dict.fromkeys(page.arguments, sample.obj.pk)
    return Visit(page, page.path(values), None if sample.seen_by == SHARED else sample)


def visits(world: World) -> list[Visit]:
    found = [visit(world, page) for page in pages()]
    return found + [visit(world, page_of(query)) for query in autocomplete_queries()]


def autocomplete_queries() -> Iterator[str]:
    """One search of everything for each field that completes what is typed."""
    for model, model_admin in admin.site._registry.items():
        for name in model_admin.autocomplete_fields:
            meta = model._meta
            yield (
                f"autocomplete/?term=&app_label={meta.app_label}"
                f"&model_name={meta.model_name}&field_name={name}"
            )


def marks_forbidden_to(role: str, path: str) -> set[str]:
    """Words of the owner's rows that this role must not read at this place."""
    if role in TEAM or (role == HEAD and path.startswith("/massmail/")):
        return {SECRET_MARK}
    if role in (OPERATOR, SUPEROPERATOR) and (
        path.startswith("/crm/") or "app_label=crm&" in path
    ):
        return {SECRET_MARK, MAIL_MARK}
    return {SECRET_MARK, MAIL_MARK, RECORD_MARK}


def leaks(role: str, path: str, response: HttpResponse) -> list[str]:
    streamed = getattr(response, "streaming", False)
    body = b"".join(response) if streamed else response.content
    text = body.decode(errors="replace").lower()
    return [mark for mark in marks_forbidden_to(role, path) if mark in text]


def request(world: World, role: str, method: str, path: str, data: dict | None = None):
    """(response, writes), without consequences."""
    client = world.client(role)
    with transaction.atomic():
        with recorded_writes() as writes:
            response = getattr(client, method)(path, data)
        transaction.set_rollback(True)
    return response, writes


def attack(visit: Visit, world: World) -> dict[str, object]:
    """A POST that means it: confirms, selects the owner's row, changes its texts."""
    data: dict[str, object] = {
        "post": "yes",
        "_save": "Save",
        "action": "delete_selected",
        "index": 0,
        "attachments-TOTAL_FORMS": 0,
        "attachments-INITIAL_FORMS": 0,
    }
    if sample := world.samples.get(visit.page.model):
        data |= {
            name: without_marks(value)
            for name, value in model_to_dict(sample.obj).items()
            if isinstance(value, str | int | float)
        }
        data["_selected_action"] = sample.obj.pk
    return data


def without_marks(value: object) -> object:
    """Other text of the same form: a refused form shows again what was posted."""
    if not isinstance(value, str):
        return value
    return value.replace(MAIL_MARK, "changed").replace(RECORD_MARK, "changed")


def test_the_walk_finds_the_whole_site():
    routes = {page.route for page in pages()}

    assert "news/u/<path:token>" in routes
    assert "massmail/mailingout/<path:object_id>/change/" in routes
    assert "crm/contact/" in routes
    assert "(?P<url>.*)" in routes


def test_every_page_has_a_sample(world):
    missing = []
    for page in pages():
        try:
            visit(world, page)
        except KeyError as error:
            missing.append(f"{page.route}: {error}")

    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("role", ROLES)
def test_get_shows_only_what_the_role_may_see(world, role):
    problems = []
    for place in visits(world):
        response, writes = request(world, role, "get", place.path)
        where = f"GET {place.path} {response.status_code}"
        if response.status_code >= 500:
            problems.append(where)
        if any(write != "INSERT INTO massmail_deliveryevent" for write in writes):
            problems.append(f"{where} wrote {writes}")
        if found := leaks(role, place.path, response):
            problems.append(f"{where} shows {found}")
        if place.sample:
            shown = response.status_code == 200
            allowed = place.may_be_read_by(role)
            if shown and not allowed:
                problems.append(f"{where}: is not for this role")
            if allowed and place.page.kind in ("change", "history") and not shown:
                problems.append(f"{where}: is for this role")

    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("role", ROLES)
def test_post_changes_only_what_the_role_may_change(world, role):
    problems = []
    for place in visits(world):
        data = attack(place, world)
        response, writes = request(world, role, "post", place.path, data)
        where = f"POST {place.path} {response.status_code}"
        if response.status_code >= 500:
            problems.append(where)
        if found := leaks(role, place.path, response):
            problems.append(f"{where} shows {found}")
        if writes and not may_write(role, place):
            problems.append(f"{where} wrote {writes}")

    assert not problems, "\n".join(problems)


def may_write(role: str, place: Visit) -> bool:
    """The owner and superusers; whether they should, each page's own tests say.

    Operators maintain the records of their department, and all roles that work with
    records add their own and the tags that everybody shares.
    """
    if role in (SUPERUSER, OWNER):
        return True
    if place.page.route.startswith("crm/") and role in (OPERATOR, SUPEROPERATOR):
        return True
    return place.page.route.endswith(ADDING) or (
        place.page.route.startswith("crm/tag/") and role != ANONYMOUS
    )


def test_a_stranger_gets_no_further_than_the_login(world):
    problems = []
    for place in visits(world):
        response, _writes = request(world, ANONYMOUS, "get", place.path)
        to_login = response.headers.get("Location", "").startswith("/login/")
        open_to_all = place.is_public or place.page.route in OPEN
        if not (to_login or open_to_all):
            problems.append(f"{place.path} {response.status_code}")

    assert not problems, "\n".join(problems)


def test_the_attack_is_a_real_one(world):
    """The same POST changes the row when its owner sends it."""
    place = visit(world, page_of("massmail/emlmessage/<path:object_id>/change/"))
    data = attack(place, world)

    response, writes = request(world, OWNER, "post", place.path, data)

    assert response.status_code == 302
    assert "UPDATE massmail_emlmessage" in writes
    assert EmlMessage.objects.get().subject == MAIL_MARK

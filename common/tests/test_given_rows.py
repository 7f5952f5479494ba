"""Rows and keys that come to the database in one parameter for each column."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, connection
from django.db.models import Case, CharField, Exists, OuterRef, Value, When
from django.test.utils import CaptureQueriesContext

from common.given_rows import GivenKeys, asked_of, insert_given, insert_new

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_groups(db):
    """Those that come with the host."""
    Group.objects.all().delete()


AWKWARD = [
    "plain",
    "",
    'quote " and \\ backslash',
    "\\",
    "comma, {brace} [bracket] NULL",
    "null",
    "line\nbreak\ttab",
    "Ж ﷺ 🙂",
    "%s %(name)s",
    "'; DROP TABLE auth_group; --",
    "a\x01control",
    '\\"\\n',
]


@pytest.mark.parametrize("text", AWKWARD)
def test_a_text_arrives_as_it_was(text):
    insert_given(Group, {"name": [text, f"{text}2"]}, alike={})

    assert set(Group.objects.values_list("name", flat=True)) == {text, f"{text}2"}


def test_rows_differ_in_columns_and_share_the_rest():
    moment = dt.datetime(2027, 3, 10, 12, 30, tzinfo=dt.UTC)

    count = insert_given(
        User,
        {"username": ["anna", "boris"], "last_login": [None, None]},
        alike={"date_joined": moment, "is_staff": True},
    )

    assert count == 2
    rows = User.objects.order_by("username").values_list(
        "username", "last_login", "date_joined", "is_staff", "is_active", "email"
    )
    assert list(rows) == [
        ("anna", None, moment, True, True, ""),
        ("boris", None, moment, True, True, ""),
    ]


def test_values_of_any_type_are_brought_into_the_databases_form():
    moments = [dt.datetime(2027, 3, day, 8, 0, 0, 5, tzinfo=dt.UTC) for day in (1, 2)]

    insert_given(
        User, {"username": ["anna", "boris"], "date_joined": moments}, alike={}
    )

    assert (
        list(User.objects.order_by("pk").values_list("date_joined", flat=True))
        == moments
    )


def test_no_rows_are_no_mistake():
    assert insert_given(Group, {"name": []}, alike={}) == 0


def test_a_row_that_is_there_is_refused_or_left_alone():
    Group.objects.create(name="here")
    columns = {"name": ["here", "new"]}

    assert insert_given(Group, columns, alike={}, ignore_conflicts=True) == 1
    assert Group.objects.count() == 2
    with pytest.raises(IntegrityError):
        insert_given(Group, columns, alike={})


def test_a_text_is_not_cut_to_its_column():
    if connection.vendor == "sqlite":
        insert_given(Group, {"name": ["x" * 200]}, alike={})
        assert len(Group.objects.get().name) == 200
        return
    with pytest.raises(Exception, match="too long"):
        insert_given(Group, {"name": ["x" * 200]}, alike={})


def test_conditions_can_be_asked_of_rows_that_are_not_there():
    Group.objects.create(name="taken")
    same = Group.objects.filter(name=OuterRef("name"))
    why = Case(
        When(Exists(same), then=Value("taken")),
        When(name="", then=Value("blank")),
        default=Value(""),
        output_field=CharField(),
    )
    asked = asked_of(
        Group.objects.order_by().annotate(why=why),
        {"name": ["taken", "", "free"]},
        alike={},
    )

    assert dict(asked.values_list("name", "why")) == {
        "taken": "taken",
        "": "blank",
        "free": "",
    }
    assert Group.objects.count() == 1


def test_a_query_over_given_rows_can_be_narrowed():
    asked = asked_of(Group.objects.order_by(), {"name": ["a", "b"]}, alike={"id": 7})

    assert list(asked.filter(name="b").values_list("id", "name")) == [(7, "b")]


def test_keys_of_any_number_are_one_parameter():
    groups = Group.objects.bulk_create(Group(name=f"g{n}") for n in range(30))
    wanted = [group.pk for group in groups[:20]]

    with CaptureQueriesContext(connection) as captured:
        found = Group.objects.filter(
            pk__in=GivenKeys(Group._meta.pk, wanted)
        ).values_list("pk", flat=True)
        assert sorted(found) == wanted
    assert len(captured) == 1
    assert not Group.objects.filter(pk__in=GivenKeys(Group._meta.pk, [])).exists()
    assert Group.objects.exclude(pk__in=GivenKeys(Group._meta.pk, wanted)).count() == 10


def test_of_rows_that_are_there_only_the_new_ones_come_back():
    Group.objects.create(name="here")
    columns = {"name": ["a", "here", "a", "b"]}

    made = insert_new(Group, columns, alike={}, returning=("name", "id"))

    assert [name for name, _pk in made] == ["a", "b"]
    assert dict(made) == dict(
        Group.objects.exclude(name="here").values_list("name", "id")
    )
    assert insert_new(Group, columns, alike={}, returning=("name",)) == []


def test_only_the_named_index_leaves_rows_out():
    User.objects.create(username="here", pk=7)
    columns = {"username": ["here", "new"], "id": [8, 7]}

    with pytest.raises(IntegrityError):
        insert_new(
            User,
            columns,
            alike={"date_joined": dt.datetime(2027, 3, 1, tzinfo=dt.UTC)},
            unique='("username")',
            returning=("id",),
        )

"""Statements that PostgreSQL plans once: its own tests, since SQLite has none."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection, transaction
from django.db.utils import DataError

from massmail.models import server_statement
from massmail.models.server_statement import MAX_PREPARED, ServerStatement, numbered

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]
PLUS = "SELECT %s::int + %s::int, '5%%'"


def prepared():
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements")
        return {name for (name,) in cursor.fetchall() if name.startswith("massmail_")}


def test_its_parameters_have_the_servers_numbers():
    assert numbered(PLUS) == "SELECT $1::int + $2::int, '5%'"


def test_it_is_planned_once_and_executed_with_other_values():
    statement, before = ServerStatement(PLUS), prepared()

    assert statement.rows(connection, ["1", "2"]) == [("3", "5%")]
    assert statement.rows(connection, ["40", "2"]) == [("42", "5%")]
    assert len(prepared() - before) == 1


def test_what_was_prepared_long_ago_is_forgotten():
    for number in range(MAX_PREPARED + 3):
        statement = ServerStatement(f"SELECT {number} + %s::int")
        assert statement.rows(connection, ["1"]) == [(str(number + 1),)]

    assert len(prepared()) == MAX_PREPARED
    assert ServerStatement("SELECT 0 + %s::int").rows(connection, ["1"]) == [("1",)]


def test_plans_are_made_anew_where_they_are_old(monkeypatch):
    monkeypatch.setattr(server_statement, "PLAN_SECONDS", 0)
    statement = ServerStatement(PLUS)

    for _time in range(3):
        assert statement.rows(connection, ["1", "2"]) == [("3", "5%")]


def test_behind_a_pooler_nothing_is_prepared(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    before = prepared()

    assert ServerStatement("SELECT %s::int").rows(connection, ["7"]) == [("7",)]
    assert prepared() == before


def test_who_watches_the_connection_sees_it():
    seen = []

    def watch(execute, sql, params, many, context):
        seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        ServerStatement(PLUS).rows(connection, ["1", "2"])

    assert seen == [(PLUS, ["1", "2"])]


def test_it_is_a_part_of_a_transaction_even_as_its_first_statement():
    write = ServerStatement("CREATE TABLE massmail_undone (id int)")
    with transaction.atomic():
        write.rows(connection, [])
        transaction.set_rollback(True)

    assert "massmail_undone" not in connection.introspection.table_names()


def test_its_errors_are_djangos_and_leave_the_connection_in_order():
    statement = ServerStatement(PLUS)

    with pytest.raises(DataError):
        statement.rows(connection, ["one", "2"])

    assert statement.rows(connection, ["1", "2"]) == [("3", "5%")]


def test_a_server_that_goes_away_meanwhile_is_an_operational_error():
    statement = ServerStatement("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(OperationalError):
        statement.rows(connection, [])

    connection.close()
    assert ServerStatement(PLUS).rows(connection, ["1", "2"]) == [("3", "5%")]


def test_the_process_works_while_the_server_does():
    done = []
    statement = ServerStatement("SELECT pg_sleep(0.05)::text")

    statement.rows(connection, [], meanwhile=lambda: done.append("rendered"))

    assert done == ["rendered"]


def test_an_answer_that_nobody_waited_for_is_nobody_elses():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ServerStatement(PLUS).rows(connection, ["1", "2"], meanwhile=interrupted)

    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'mine'")
        assert cursor.fetchone() == ("mine",)

"""The catcher's store."""

from __future__ import annotations

import pytest

from crm.demo.catcher.store import MailReader, MailWriter, empty_store


@pytest.fixture
def writer(tmp_path):
    writer = MailWriter(tmp_path / "catcher")
    yield writer
    writer.close()


@pytest.fixture
def reader(tmp_path):
    return MailReader(tmp_path / "catcher")


def add(writer, recipient="a@example.com", **values):
    return writer.add(
        **{
            "sender": "s@example.com",
            "recipient": recipient,
            "message_id": f"<{recipient}>",
            "subject": "Hello",
            "raw": b"Subject: Hello\r\n\r\nHi\r\n",
            **values,
        }
    )


def test_a_mail_comes_back_byte_for_byte(writer, reader):
    add(writer, raw=b"first\r\n")
    number = add(writer, raw=b"second\r\n\x00\xff\r\n")

    assert reader.raw(reader.get(number)) == b"second\r\n\x00\xff\r\n"
    assert reader.get(number).size == 12


def test_a_second_writer_goes_on_behind_the_first(writer, reader, tmp_path):
    add(writer, raw=b"first")
    writer.close()
    again = MailWriter(tmp_path / "catcher")
    number = add(again, raw=b"second")
    again.close()

    assert number == 2
    assert reader.raw(reader.get(1)) == b"first"
    assert reader.raw(reader.get(2)) == b"second"


def test_pages_show_the_latest_first(writer, reader):
    for letter in "abcde":
        add(writer, f"{letter}@example.com")

    page = reader.page(offset=1, limit=2)

    assert [mail.recipient for mail in page] == ["d@example.com", "c@example.com"]
    assert reader.count() == 5


@pytest.mark.parametrize(
    ("search", "found"), [("b@", 1), ("EXAMPLE", 2), ("%", 0), ("_", 0), ("hell", 2)]
)
def test_search_takes_part_of_an_address_or_subject_as_it_is(
    writer, reader, search, found
):
    add(writer, "a@example.com")
    add(writer, "b@example.com")

    assert reader.count(search) == found
    assert len(reader.page(search=search, offset=0, limit=9)) == found


def test_copies_counts_by_message_id(writer, reader):
    add(writer, message_id="<once@x>")
    add(writer, message_id="<twice@x>")
    add(writer, message_id="<twice@x>")

    assert reader.copies(["<once@x>", "<twice@x>", "<never@x>"]) == {
        "<once@x>": 1,
        "<twice@x>": 2,
    }


def test_a_store_that_is_not_there_is_empty(tmp_path):
    reader = MailReader(tmp_path / "nowhere")

    assert reader.count() == 0
    assert reader.page(offset=0, limit=9) == []
    assert reader.get(1) is None
    assert reader.copies(["<a@x>"]) == {}


@pytest.mark.parametrize("number", [0, 7, 2**63, 10**40])
def test_an_unknown_number_is_no_mail(writer, reader, number):
    assert reader.get(number) is None


def test_emptying_takes_all_of_it(writer, reader, tmp_path):
    add(writer)

    empty_store(tmp_path / "catcher")
    empty_store(tmp_path / "catcher")

    assert reader.count() == 0

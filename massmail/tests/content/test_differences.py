"""What was changed in a message, part by part."""

from __future__ import annotations

from dataclasses import replace

from massmail.content.differences import Line, differences
from massmail.content.images import Attachment
from massmail.content.message_source import MessageSource

OLD = MessageSource("News", content="a\nb\nc\nd\ne")


def test_the_same_has_no_differences():
    assert differences(OLD, replace(OLD)) == []


def test_changed_lines_with_one_around_them():
    [found] = differences(OLD, replace(OLD, content="a\nb\nC\nd\ne\nf"))

    assert found.part == "content"
    assert found.lines == (
        Line(" ", "b"),
        Line("-", "c"),
        Line("+", "C"),
        Line(" ", "d"),
        Line(" ", "e"),
        Line("+", "f"),
    )


def test_lines_that_look_like_a_diffs_own_are_lines():
    [found] = differences(replace(OLD, text="--x"), replace(OLD, text="++y"))

    assert found.lines == (Line("-", "--x"), Line("+", "++y"))


def test_files_by_name():
    old = replace(OLD, attachments=(Attachment("a.txt", "text/plain", b"1"),))
    new = replace(OLD, attachments=(Attachment("a.txt", "text/plain", b"2"),))

    [found] = differences(old, new)

    assert found.lines == (Line("-", "a.txt"), Line("+", "a.txt"))


def test_a_long_difference_is_cut():
    new = replace(OLD, content="\n".join(str(n) for n in range(1000)))

    assert len(differences(OLD, new)[0].lines) == 201

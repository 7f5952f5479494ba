"""What a file is called and what it is taken for after it was uploaded."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from massmail.forms.library_image import free_tag
from massmail.forms.uploads import clean_name, type_of
from massmail.tests.factories import LibraryImageFactory


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("price list.pdf", "price list.pdf"),
        (r"C:\\Users\\anna\\list.pdf", "list.pdf"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nContent-Type: text.html", "a Content-Type: text.html"),
        ("naïve 文.png", "naïve 文.png"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_name_is_the_last_part_on_one_line(name, expected):
    assert clean_name(name) == expected


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("list.pdf", b"", "application/pdf"),
        ("list", b"%PDF-1.7", "application/pdf"),
        ("flower", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("letter.eml", b"From: a", "application/octet-stream"),
        ("strange", b"\x00\x01", ""),
    ],
)
def test_the_type_is_told_by_the_ending_and_then_by_the_bytes(name, content, expected):
    assert type_of(name, SimpleUploadedFile("upload", content)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Spring Sale 2027", "spring_sale_2027"),
        ("2027-logo", "logo"),
        ("Crème brûlée", "creme_brulee"),
        ("文", "picture"),
        ("", "picture"),
        ("x" * 80, "x" * 50),
    ],
)
@pytest.mark.django_db
def test_a_tag_is_made_of_the_name(name, expected):
    assert free_tag(name) == expected


@pytest.mark.django_db
def test_a_tag_that_is_taken_gets_a_number(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    LibraryImageFactory(tag="logo")
    LibraryImageFactory(tag="logo_2")
    LibraryImageFactory(tag="x" * 50)

    assert free_tag("logo") == "logo_3"
    assert free_tag("x" * 60) == "x" * 48 + "_2"

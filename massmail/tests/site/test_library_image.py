"""Pictures in the admin: stored anew, named by a tag, shown to those who may see."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from massmail.models import LibraryImage
from massmail.tests.factories import (
    EmlMessageFactory,
    LibraryImageFactory,
    SignatureFactory,
)
from massmail.tests.site.conftest import page


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def picture(
    width: int = 8, height: int = 5, kind: str = "PNG", name: str = "flower.png"
) -> SimpleUploadedFile:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, kind)
    return SimpleUploadedFile(rf"C:\photos\{name}", buffer.getvalue())


def errors(response) -> dict[str, list[str]]:
    return response.context["adminform"].form.errors


def test_a_picture_brings_its_own_facts(browser, owner):
    browser(owner).post(page(LibraryImage, "add"), {"tag": "rose", "file": picture()})

    image = LibraryImage.objects.get()
    assert (image.width, image.height) == (8, 5)
    assert (image.filename, image.mime_type) == ("flower.png", "image/png")
    assert image.owner == owner
    assert "flower" not in image.file.name


def test_the_name_follows_what_it_really_is(browser, owner):
    data = {"tag": "rose", "file": picture(kind="JPEG", name="flower.png")}

    browser(owner).post(page(LibraryImage, "add"), data)

    image = LibraryImage.objects.get()
    assert (image.filename, image.mime_type) == ("flower.jpg", "image/jpeg")


def test_a_tag_is_made_when_none_is_given(browser, owner):
    client = browser(owner)
    for _number in range(2):
        data = {"tag": "", "file": picture(name="Spring Sale.png")}
        client.post(page(LibraryImage, "add"), data)

    tags = LibraryImage.objects.values_list("tag", flat=True)
    assert list(tags) == ["spring_sale", "spring_sale_2"]


def test_another_file_brings_other_facts_and_keeps_the_tag(browser, owner):
    image = LibraryImageFactory(owner=owner, tag="rose")

    browser(owner).post(page(image), {"tag": "", "file": picture(3, 2, "JPEG")})

    image.refresh_from_db()
    assert (image.tag, image.width, image.height) == ("rose", 3, 2)
    assert image.mime_type == "image/jpeg"


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg onload='alert(1)'/>", b"\x89PNG\r\n\x1a\n broken", b"x" * 6_000_000],
    ids=["empty", "svg", "broken", "too big"],
)
def test_what_is_no_picture_is_refused(browser, owner, content):
    data = {"tag": "rose", "file": SimpleUploadedFile("rose.png", content)}

    response = browser(owner).post(page(LibraryImage, "add"), data)

    assert "file" in errors(response)
    assert not LibraryImage.objects.exists()


@pytest.mark.parametrize("tag", ["Rose", "1st", "a-b", "taken"])
def test_a_tag_that_cannot_be_one_is_refused(browser, owner, tag):
    LibraryImageFactory(tag="taken")

    response = browser(owner).post(
        page(LibraryImage, "add"), {"tag": tag, "file": picture()}
    )

    assert "tag" in errors(response)
    assert LibraryImage.objects.count() == 1


def test_the_page_tells_how_a_message_shows_it(browser, owner):
    image = LibraryImageFactory(owner=owner, tag="rose")

    response = browser(owner).get(page(image))

    tag, html = response.context["ways_to_write"]
    assert tag == "{% cid_rose %}"
    assert html.startswith('<img src="{% cid_rose %}" width="4" alt=""')


def test_a_picture_is_shown_to_its_owner_alone(browser, owner, colleague):
    image = LibraryImageFactory(owner=owner)

    shown = browser(owner).get(page(image, "picture"))

    assert shown.status_code == 200
    assert shown["Content-Type"] == "image/png"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert b"".join(shown).startswith(b"\x89PNG")
    assert browser(colleague).get(page(image, "picture")).status_code == 404


def test_a_lost_file_is_not_found(browser, owner):
    image = LibraryImageFactory(owner=owner)
    image.file.storage.delete(image.file.name)

    assert browser(owner).get(page(image, "picture")).status_code == 404
    assert browser(owner).get(page(image)).status_code == 200


@pytest.fixture
def shown(owner) -> LibraryImage:
    """A picture in a message; another one's name begins like it."""
    image = LibraryImageFactory(owner=owner, tag="rose")
    content = '<img src="{% cid_rose %}" alt=""><img src="{%cid_rose_2%}" alt="">'
    EmlMessageFactory(owner=owner, content=content)
    return image


def test_a_picture_that_is_shown_is_not_deleted(browser, owner, shown):
    client = browser(owner)

    asked = client.get(page(shown, "delete"))
    client.post(page(shown, "delete"), {"post": "yes"})

    assert "1 message" in asked.content.decode()
    assert LibraryImage.objects.filter(pk=shown.pk).exists()


def test_a_picture_of_a_signature_is_not_deleted(browser, owner):
    image = LibraryImageFactory(owner=owner, tag="rose")
    SignatureFactory(owner=owner, content='<img src="{% cid_rose %}" alt="">')

    browser(owner).post(page(image, "delete"), {"post": "yes"})

    assert LibraryImage.objects.filter(pk=image.pk).exists()


def test_a_picture_that_nothing_shows_is_deleted(browser, owner, shown):
    for tag in ("ros", "rose_22"):
        other = LibraryImageFactory(owner=owner, tag=tag)
        browser(owner).post(page(other, "delete"), {"post": "yes"})

    assert list(LibraryImage.objects.all()) == [shown]


def test_the_tag_of_a_picture_that_is_shown_stays(browser, owner, shown):
    response = browser(owner).post(page(shown), {"tag": "tulip"})

    assert "tag" in errors(response)
    shown.refresh_from_db()
    assert shown.tag == "rose"

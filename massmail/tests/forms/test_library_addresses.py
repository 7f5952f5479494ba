"""Pictures that stand in a text with the address of their page."""

from __future__ import annotations

import pytest
from django.urls import reverse

from massmail.content.template_engine import MAX_SOURCE_BYTES
from massmail.forms.library_addresses import with_picture_tags
from massmail.models import EmlMessage
from massmail.tests.factories import LibraryImageFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("massmail.tests.site.urls")]


@pytest.fixture
def picture(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    return LibraryImageFactory(owner=UserFactory(), tag="logo")


def tagged(picture, content: str) -> str:
    return with_picture_tags(content, EmlMessage(owner=picture.owner))


@pytest.mark.parametrize(
    "image",
    [
        '<img src="{}">',
        "<IMG\nclass=x SRC='{}' alt=''>",
        '<img src="https://crm.example.com{}">',
        '<img alt="1 < 2" src="{}">',
        '<img {{% if city %}}width="1"{{% endif %}} src="{}">',
        '<img data-src="/other" src="{}" src="/later">',
        '<b title=">"><img <img src="{}">',
        '<img src="/other"><img src="{}"><img src="/other">',
    ],
)
def test_an_address_becomes_a_tag(picture, image):
    address = reverse("admin:massmail_libraryimage_picture", args=[picture.pk])
    written = image.format(address)

    assert tagged(picture, written) == written.replace(
        "https://crm.example.com", ""
    ).replace(address, "{% cid_logo %}")


@pytest.mark.parametrize(
    "text",
    [
        '<a src="{}">',
        '<img> src="{}"',
        '<img alt=">" src="{}">',
        '<imgs src="{}">',
        '<img data-src="{}">',
        '<img src="{}x">',
        "<img src=\"{}'>",
    ],
)
def test_what_is_no_image_stays_as_it_is(picture, text):
    address = reverse("admin:massmail_libraryimage_picture", args=[picture.pk])
    written = text.format(address)

    assert tagged(picture, written) == written


def test_only_the_first_address_of_an_image_becomes_a_tag(picture):
    address = reverse("admin:massmail_libraryimage_picture", args=[picture.pk])

    assert tagged(picture, f'<img src="{address}" src="{address}">') == (
        f'<img src="{{% cid_logo %}}" src="{address}">'
    )


def test_a_strangers_picture_stays_as_it_is(picture):
    other = LibraryImageFactory(owner=UserFactory(), tag="theirs")
    address = reverse("admin:massmail_libraryimage_picture", args=[other.pk])
    written = f'<img src="{address}">'

    assert tagged(picture, written) == written


@pytest.mark.parametrize("part", ["<img ", '<img src="', "<img src='http://a", "<"])
def test_many_beginnings_without_an_end_stay_as_they_are(picture, part):
    text = part * (MAX_SOURCE_BYTES // len(part))

    assert tagged(picture, text) == text


def test_what_is_too_long_is_not_looked_at(picture, django_assert_num_queries):
    address = reverse("admin:massmail_libraryimage_picture", args=[picture.pk])
    text = f'<img src="{address}">'.ljust(MAX_SOURCE_BYTES + 1)

    with django_assert_num_queries(0):
        assert tagged(picture, text) == text

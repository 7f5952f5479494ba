"""Pictures from the editor: into the library, decided by their bytes."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from massmail.models import LibraryImage


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def png(width: int = 800, height: int = 30) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def sent(client: Client, name: str = "Our team.png", content: bytes | None = None):
    file = SimpleUploadedFile(name, png() if content is None else content)
    return client.post(reverse("admin:massmail_libraryimage_upload"), {"file": file})


def test_a_picture_becomes_the_persons_own_and_can_be_written(browser, owner):
    answer = sent(browser(owner)).json()

    image = LibraryImage.objects.get()
    assert image.owner == owner
    assert image.tag == "our_team"
    assert "team" not in image.file.name
    assert answer["name"] == "our_team"
    assert 'src="{% cid_our_team %}"' in answer["html"]
    picture = b"".join(browser(owner).get(answer["url"]))
    assert picture.startswith(b"\x89PNG")


def test_the_same_name_again_gets_a_tag_of_its_own(browser, owner):
    client = browser(owner)

    assert [sent(client).json()["name"] for _number in range(3)] == [
        "our_team",
        "our_team_2",
        "our_team_3",
    ]


def test_a_tag_that_another_upload_takes_at_this_moment_is_not_an_error(
    browser, owner, monkeypatch
):
    client = browser(owner)
    sent(client)
    found = iter(["our_team", "our_team", "free"])
    monkeypatch.setattr(
        "massmail.forms.library_image.free_tag", lambda name: next(found)
    )
    monkeypatch.setattr(
        "massmail.forms.library_image.LibraryImageForm.validate_unique",
        lambda form: None,
    )

    assert sent(client).json()["name"] == "free"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"),
        ("x.png", b"<script>alert(1)</script>"),
        ("x.png", b""),
        ("x.gif", b"GIF89a"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_reason(browser, owner, name, content):
    answer = sent(browser(owner), name, content).json()

    assert set(answer) == {"error"}
    assert answer["error"]
    assert not LibraryImage.objects.exists()


def test_a_get_a_forged_post_and_a_person_without_rights_are_refused(browser, owner):
    url = reverse("admin:massmail_libraryimage_upload")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)

    assert browser(owner).get(url).status_code == 405
    assert sent(strict).status_code == 403
    assert browser(owner).post(url).json()["error"]
    owner.user_permissions.clear()
    assert sent(browser(owner)).status_code == 403
    assert not LibraryImage.objects.exists()

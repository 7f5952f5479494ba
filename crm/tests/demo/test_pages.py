"""The demo's pages: caught mail for the staff, the company's page for everybody."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import pytest

from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PICTURE = b"\x89PNG not really"


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(roles=["managers"]))
    return client


@pytest.fixture
def number(catcher):
    message = EmailMessage()
    message["From"] = "Anna <anna@example.com>"
    message["To"] = "Åsa <asa@example.org>"
    message["Subject"] = "News <b>for</b> Åsa"
    message["Message-ID"] = "<1@example.com>"
    message.set_content("Hello Åsa\nhttps://example.com/shop\n")
    message.add_alternative(
        "<html><head><title>x</title></head><body onload='alert(1)'>"
        "<p style='color:red'>Hello Åsa</p>"
        '<img src="cid:logo@x"><img src="https://tracker.example.com/x.gif">'
        "<script>alert(1)</script></body></html>",
        subtype="html",
    )
    message.get_payload()[1].add_related(
        PICTURE, "image", "png", cid="<logo@x>", filename="logo.png"
    )
    return catcher.add(
        sender="anna@example.com",
        recipient="asa@example.org",
        message_id="<1@example.com>",
        subject="News <b>for</b> Åsa",
        raw=message.as_bytes(),
    )


PAGES = ["/catcher/", "/catcher/1/", "/catcher/1/frame/", "/catcher/1/source/"]


@pytest.mark.parametrize("page", PAGES)
def test_only_staff_reads_caught_mail(client, number, page):
    client.force_login(UserFactory(is_staff=False))

    answer = client.get(page)

    assert answer.status_code == 302
    assert answer.url.startswith("/login/")


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_for_reading(staff, number, page):
    assert staff.get(page).status_code == 200
    assert staff.post(page).status_code == 405


@pytest.mark.parametrize(
    "page", ["/catcher/2/", "/catcher/2/frame/", f"/catcher/{10**30}/source/"]
)
def test_an_unknown_mail_is_not_found(staff, number, page):
    assert staff.get(page).status_code == 404


def test_the_list_shows_and_finds_mail(staff, number):
    page = staff.get("/catcher/").content.decode()
    assert "asa@example.org" in page
    assert "News &lt;b&gt;for&lt;/b&gt; Åsa" in page

    assert "asa@example.org" in staff.get("/catcher/?q=ASA").content.decode()
    assert "No mail matches" in staff.get("/catcher/?q=bob").content.decode()


@pytest.mark.parametrize("query", ["page=x", "page=99", "q=%00", "q=" + "%25" * 300])
def test_an_odd_question_gets_an_answer(staff, number, query):
    assert staff.get(f"/catcher/?{query}").status_code == 200


def test_the_list_has_pages(staff, catcher):
    for index in range(51):
        catcher.add(
            sender="s@example.com",
            recipient=f"r{index:02}@example.com",
            message_id=f"<{index}@x>",
            subject="Hi",
            raw=b"",
        )

    first = staff.get("/catcher/?q=r").content.decode()
    second = staff.get("/catcher/?q=r&page=2").content.decode()

    assert "r50@example.com" in first
    assert "r00@example.com" not in first
    assert "?q=r&amp;page=2" in first
    assert "r00@example.com" in second


def test_a_store_without_mail_says_so(staff, catcher):
    assert "No mail has been caught yet" in staff.get("/catcher/").content.decode()


def test_a_mails_page_frames_it_and_keeps_the_sites_policy(staff, number):
    answer = staff.get("/catcher/1/")
    page = answer.content.decode()

    assert 'src="/catcher/1/frame/"' in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "<script>alert" not in page
    assert "Hello Åsa" in page
    assert "logo.png (image/png" in page
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_the_frame_can_do_nothing_but_show(staff, number):
    answer = staff.get("/catcher/1/frame/")
    policy = answer["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "img-src data:" in policy
    assert "form-action 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert not answer.cookies


def test_the_frame_carries_its_pictures_so_that_it_needs_no_login(staff, number):
    page = staff.get("/catcher/1/frame/").content.decode()
    data = base64.b64encode(PICTURE).decode()

    assert f'src="data:image/png;base64,{data}"' in page
    assert "cid:" not in page
    assert "<p style='color:red'>Hello Åsa</p>" in page
    assert '<head><base target="_blank">' in page


def test_the_source_is_text_or_a_file(staff, number):
    shown = staff.get("/catcher/1/source/")
    saved = staff.get("/catcher/1/source/?download")

    assert shown["Content-Type"] == "text/plain; charset=utf-8"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert saved["Content-Type"] == "message/rfc822"
    assert saved["Content-Disposition"] == 'attachment; filename="1.eml"'
    assert shown.content == saved.content
    assert b"Message-ID: <1@example.com>" in saved.content


def test_a_mail_that_is_no_mail_can_be_looked_at(staff, catcher):
    catcher.add(
        sender="",
        recipient="x@example.com",
        message_id="",
        subject="",
        raw=b"Content-Type: text/html; charset=klingon\r\n\r\n\xff\xfe<p>caf\xe9\r\n",
    )

    assert staff.get("/catcher/1/").status_code == 200
    assert "café" in staff.get("/catcher/1/frame/").content.decode()


def test_everybody_sees_the_companys_page(client, catcher):
    answer = client.get("/company/")

    assert answer.status_code == 200
    assert "no more letters" in answer.content.decode()
    assert not answer.cookies


def test_the_staffs_home_leads_to_the_mail(staff, catcher):
    assert 'href="/catcher/"' in staff.get("/").content.decode()


def test_without_the_demo_there_are_no_such_pages(client, superuser):
    client.force_login(superuser)

    assert client.get("/catcher/").status_code == 404
    assert "Caught mail" not in client.get("/").content.decode()

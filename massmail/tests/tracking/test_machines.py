"""Telling machines from people by plain facts."""

from __future__ import annotations

import datetime as dt

import pytest

from massmail.tracking.machines import Request, Sign, signs

SENT = dt.datetime(2027, 3, 10, 12, 0, tzinfo=dt.UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Mobile/15E148"
)
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; ms-office; MSOffice 16)"


def asked(seconds: float = 3600, *, agent=FIREFOX, method="GET", link=None) -> Request:
    return Request(SENT + dt.timedelta(seconds=seconds), method, agent, link)


def judged(*requests: Request, sent=SENT) -> list[str]:
    return signs(requests, handed_over_at=sent)


CUBOT = (
    "Mozilla/5.0 (Linux; Android 13; CUBOT X70) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Mobile Safari/537.36"
)
AVAST = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36 Avast/140.0.0.0"
)
SUPERLITE = FIREFOX.replace("X11", "Android; Superlite")
LINKEDIN = f"{IPHONE} [LinkedInApp]/9.30"


@pytest.mark.parametrize(
    "agent", [FIREFOX, IPHONE, OUTLOOK, CUBOT, AVAST, SUPERLITE, LINKEDIN]
)
def test_a_person_reads_and_clicks(agent):
    opened, clicked = asked(600, agent=agent), asked(640, agent=agent, link=1)

    assert judged(opened, clicked) == ["", ""]


@pytest.mark.parametrize(
    ("request_", "sign"),
    [
        (asked(method="HEAD"), Sign.HEAD),
        (asked(agent=""), Sign.NO_NAME),
        (asked(agent=" "), Sign.NO_NAME),
        (asked(agent="Mozilla/5.0"), Sign.APPLE),
        (
            asked(
                agent="Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 "
                "(via ggpht.com GoogleImageProxy)"
            ),
            Sign.GOOGLE,
        ),
        (
            asked(
                agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"
                " (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246"
                " Mozilla/5.0"
            ),
            Sign.GOOGLE,
        ),
        (asked(agent="YahooMailProxy; https://help.yahoo.com/"), Sign.SCANNER),
        (asked(agent="LinkedInBot/1.0 (compatible)"), Sign.SCANNER),
        (asked(agent="TelegramBot (like TwitterBot)"), Sign.SCANNER),
        (asked(agent="curl/8.5.0"), Sign.SCANNER),
        (asked(agent="Wget/1.21"), Sign.SCANNER),
        (asked(agent="libwww-perl/6.7"), Sign.SCANNER),
        (asked(agent="Java/17.0.2"), Sign.SCANNER),
        (asked(agent="Barracuda Sentinel (EE)"), Sign.SCANNER),
        (asked(agent="python-requests/2.32"), Sign.SCANNER),
        (asked(agent="Mozilla/5.0 (compatible; bingbot/2.0)"), Sign.SCANNER),
        (asked(agent="Mozilla/5.0 X HeadlessChrome/140.0.0.0"), Sign.SCANNER),
        (asked(14.9), Sign.AT_ONCE),
        (asked(-5), Sign.AT_ONCE),
    ],
)
def test_a_machine_gives_itself_away(request_, sign):
    assert judged(request_) == [sign]


def test_after_a_quarter_of_a_minute_it_can_be_a_person():
    assert judged(asked(15)) == [""]


def test_without_a_time_of_sending_only_the_program_tells():
    assert judged(asked(0), asked(0, method="HEAD"), sent=None) == ["", Sign.HEAD]


def test_many_links_at_once_are_a_machine_and_so_is_all_that_it_did():
    burst = [asked(3600 + number, link=number) for number in range(3)]
    picture = asked(3590)
    later = asked(7200, link=1)
    somebody_else = asked(3601, agent=IPHONE, link=1)

    assert judged(picture, *burst, later, somebody_else) == [
        *[Sign.MANY_LINKS] * 4,
        "",
        Sign.MANY_LINKS,
    ]


def test_one_link_again_and_again_is_an_impatient_person():
    clicks = [asked(3600 + number, link=1) for number in range(20)]

    assert set(judged(*clicks)) == {""}


def test_many_links_in_the_course_of_a_minute_are_read():
    clicks = [asked(3600 + 6 * number, link=number) for number in range(10)]

    assert set(judged(*clicks)) == {""}


def test_the_order_in_which_they_are_given_does_not_matter():
    burst = [asked(3600 + number, link=number) for number in (2, 0, 1)]

    assert judged(*burst) == [Sign.MANY_LINKS] * 3


def test_a_storm_is_judged_quickly():
    storm = [asked(3600 + number / 100, link=number % 25) for number in range(1000)]

    assert set(judged(*storm)) == {Sign.MANY_LINKS}

"""The newsletter of all measurements: 8 kB of HTML, 2 kB of text, 20 links."""

from __future__ import annotations

SUBJECT = "News of March for {{ first_name|default:'you' }}"
POSTAL_ADDRESS = "Example Ltd, 1 Main Street, Utrecht"
LINKS = 20

_WORDS = (
    "The spring collection has arrived, and with it longer days, lighter colours and "
    "a workshop that smells of fresh wood again. Whoever comes by before Easter gets "
    "a cup of coffee."
)
_STORY = (
    '<tr><td style="padding:12px 24px;font-family:Arial,sans-serif;color:#333333">'
    "<h2>Story {number}</h2><p>{words}</p>"
    '<p><a href="https://www.example.com/stories/{number}?from=news">'
    "Read story {number}</a></p></td></tr>"
)
_HEAD = (
    '<table width="600" cellpadding="0" cellspacing="0">'
    "<tr><td><p>Hello {{ first_name|default:'there' }},</p>"
    "{% if city %}<p>see us in {{ city }}.</p>{% else %}<p>see us.</p>{% endif %}"
    "<p>Your mail to {{ company|default:'your company' }} is answered within a day."
    "</p></td></tr>"
)
_FOOT = (
    "</table><p>{{ postal_address }}</p>"
    '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
)


def html() -> str:
    """About 8 kB; the unsubscribe link is the last of the 20."""
    stories = [_STORY.format(number=number, words=_WORDS) for number in range(1, LINKS)]
    return _HEAD + "".join(stories) + _FOOT


def text() -> str:
    """About 2 kB."""
    stories = "\n".join(
        f"{number}. {_WORDS[:52]}\nhttps://www.example.com/stories/{number}\n"
        for number in range(1, LINKS)
    )
    return (
        "Hello {{ first_name|default:'there' }},\n\n"
        "{% if city %}see us in {{ city }}.{% endif %}\n\n"
        f"{stories}\n{{{{ postal_address }}}}\n{{{{ unsubscribe_url }}}}\n"
    )


def values(number: int) -> dict[str, str]:
    """What one recipient's copy is filled with."""
    return {
        "first_name": f"Reader {number}",
        "city": "Utrecht" if number % 2 else "",
        "company": f"Company {number % 500}",
        "postal_address": POSTAL_ADDRESS,
        "unsubscribe_url": f"https://news.example.com/u/{number:054d}",
    }


if __name__ == "__main__":
    print(len(html()), len(text()), html().count("<a "))

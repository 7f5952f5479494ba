"""Old texts in our words: what is known, what is not, and that it can be saved."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massmail.content.foreign import PLACEHOLDER, foreign_placeholders
from massmail.content.importing import Change, foreign_parts, imported
from massmail.content.template_engine import MAX_SOURCE_BYTES, parse

VARIABLES = ("first_name", "last_name", "full_name", "company", "email", "city")
IMAGES = {"logo": "logo", "Banner 2.PNG": "banner"}


def ours(text: str, **options) -> str:
    return result(text, **options).text


def result(text: str, **options):
    return imported(text, variables=VARIABLES, images=IMAGES, **options)


def reasons(text: str) -> list[tuple[str, int, str]]:
    problems = result(text).problems
    return [(each.found, each.line, str(each.reason)) for each in problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dear {Person.firstName},", "Dear {{ first_name }},"),
        ("{Contact.lastName} {Person.name}", "{{ last_name }} {{ full_name }}"),
        ("{Account.name} {Lead.accountName}", "{{ company }} {{ company }}"),
        ("{Person.emailAddress}", "{{ email }}"),
        ("{User.name} {User.emailAddress}", "{{ sender_name }} {{ sender_email }}"),
        ('<a href="{optOutUrl}">x</a>', '<a href="{{ unsubscribe_url }}">x</a>'),
        ('<a href="http://{optOutUrl}">', '<a href="{{ unsubscribe_url }}">'),
        ('<a href="%7BoptOutUrl%7D">', '<a href="{{ unsubscribe_url }}">'),
        ("{optOutLink}", '<a href="{{ unsubscribe_url }}">Unsubscribe</a>'),
        ("{trackingUrl:https://example.com/a?b=1}", "https://example.com/a?b=1"),
        ("{today} {currentYear}", '{{ today }} {{ today|date:"Y" }}'),
        ("*|FNAME|* *|LNAME|*", "{{ first_name }} {{ last_name }}"),
        ("*|UNSUB|* *|LIST:ADDRESS|*", "{{ unsubscribe_url }} {{ postal_address }}"),
        ("*|CURRENT_YEAR|*", '{{ today|date:"Y" }}'),
        ("[[first name]] %%Last_Name%%", "{{ first_name }} {{ last_name }}"),
        ("{{ contact.first_name }}", "{{ first_name }}"),
        ("{{ object.company.name }}", "{{ company }}"),
        ("{{ firstName }}", "{{ first_name }}"),
        ("{{ request.user.email }}", "{{ sender_email }}"),
        ("{{ first_name|safe }}", "{{ first_name }}"),
        ("{{ first_name|title|safe }}", "{{ first_name|title }}"),
        ('{{ x.first_name|default:"you" }}', '{{ first_name|default:"you" }}'),
        ("{{ first_name|default:other }}", "{{ first_name }}"),
        ("{% load mailbuilder %}Hello", "Hello"),
        ("{# a note #}Hello", "Hello"),
        ("<img src=\"{% cid_media 'pics/logo.png' %}\">", '<img src="{% cid_logo %}">'),
        (
            "<img src='{% cid_static \"a/banner 2.png\" %}'>",
            "<img src='{% cid_banner %}'>",
        ),
        (
            "{% if contact.first_name %}a{% else %}b{% endif %}",
            "{% if first_name %}a{% else %}b{% endif %}",
        ),
    ],
)
def test_what_is_known_becomes_ours(text, expected):
    assert ours(text) == expected
    assert result(text).problems == ()


@pytest.mark.parametrize(
    "text",
    [
        "Hello {{ first_name }}",
        '{{ first_name|default:"Sir or Madam" }} {{ today|date:"Y" }}',
        "{% if city == 'Utrecht' %}x{% endif %}{% signature %}{% cid_logo %}",
        "p { color: red } .a{b:c}",
        "100 % {} { x } [1] ##",
        "",
    ],
)
def test_what_is_ours_already_stays(text):
    assert result(text) == type(result(""))(text, (), ())


@pytest.mark.parametrize(
    ("text", "found", "stand_in"),
    [
        ("{Person.shoeSize}", "{Person.shoeSize}", "{Person.shoeSize}"),
        ("{{ contact.shoe_size }}", "{{ contact.shoe_size }}", "[[contact.shoe_size]]"),
        ("{{ owner.password }}", "{{ owner.password }}", "[[owner.password]]"),
        ("{trackingUrl:5f3a}", "{trackingUrl:5f3a}", "{trackingUrl:5f3a}"),
        (
            "{% cid_media 'pics/none.png' %}",
            "{% cid_media 'pics/none.png' %}",
            "missing:none.png",
        ),
        ("{% for x in y %}", "{% for x in y %}", ""),
        ("{% url 'admin:index' %}", "{% url 'admin:index' %}", ""),
        ("{{ 7*7 }}", "{{ 7*7 }}", "[[7*7]]"),
    ],
)
def test_what_is_not_known_is_reported_with_its_line(text, found, stand_in):
    done = result(f"First\n{text}")

    [problem] = done.problems
    assert (problem.found, problem.line) == (found, 2)
    assert str(problem.reason)
    assert done.text == f"First\n{stand_in}"


def test_a_condition_that_cannot_be_read_keeps_its_end():
    done = result("{% if a.b > 3 %}x{% endif %}")

    parse(done.text, variables=VARIABLES)
    assert len(done.problems) == 1
    assert list(foreign_placeholders(done.text)) == ["[[condition]]"]


def test_changes_are_counted():
    done = result("{Person.firstName} {Person.firstName} {optOutUrl}")

    assert done.changes == (
        Change("{Person.firstName}", "{{ first_name }}", 2),
        Change("{optOutUrl}", "{{ unsubscribe_url }}", 1),
    )


def test_in_plain_text_a_link_is_its_address():
    assert ours("{optOutLink}", is_html=False) == "{{ unsubscribe_url }}"


def test_what_a_placeholder_became_is_not_read_again():
    text = "{trackingUrl:https://example.com/*|FNAME|*}"

    assert ours(text) == "https://example.com/*|FNAME|*"


PIECES = st.sampled_from(
    [
        *("{Person.firstName}", "{optOutUrl}", "{trackingUrl:x}", "*|FNAME|*"),
        *("{{ a.b }}", "{{ first_name }}", "{{", "}}", "{%", "%}", "{#", "#}"),
        *("{% if x.y %}", "{% else %}", "{% endif %}", "{% for a in b %}"),
        *("{% cid_media 'x' %}", "{% load x %}", "{", "}", "[[", "]]", "%7B", "\n"),
        *("<p>", "</p>", '"', "'", "é", "\N{PILE OF POO}", "|", "x"),
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_any_text_can_be_brought_in(text):
    done = result(text)

    again = result(done.text)
    assert again.changes == () or again.text != done.text
    assert isinstance(done.text, str)


@given(
    st.lists(PIECES.filter(lambda piece: piece.isalnum() or "." in piece), max_size=8)
)
def test_what_is_left_of_foreign_names_is_what_preflight_finds(pieces):
    done = result(" ".join(pieces))

    left = {problem.found for problem in done.problems if "{Person" in problem.found}
    assert left <= set(foreign_placeholders(done.text))


DJANGO_TAG = r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}"
AS_WRITTEN = re.compile(f"{DJANGO_TAG}|{PLACEHOLDER.pattern}")


@given(st.text("{}%#|*\naB. ", max_size=30))
def test_tags_and_placeholders_are_found_where_they_stand(text):
    expected = [(match.start(), match[0]) for match in AS_WRITTEN.finditer(text)]

    assert list(foreign_parts(text)) == expected


@pytest.mark.parametrize("beginning", ["{{", "{%", "{#", "{{ {% {# ", "{{%", "{%#}{{"])
def test_beginnings_without_an_end_stay_as_they_are(beginning):
    text = beginning * (MAX_SOURCE_BYTES // len(beginning))

    assert ours(text) == text


def test_each_of_very_many_problems_has_its_line():
    lines = MAX_SOURCE_BYTES // len("{Person.shoe}\n")

    problems = result("{Person.shoe}\n" * lines).problems

    assert [problem.line for problem in problems] == list(range(1, lines + 1))

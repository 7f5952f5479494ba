"""Templates that want more than a message may have are refused, with their place."""

from __future__ import annotations

import pytest

from massmail.content.compiler import MessageSource, compile_message
from massmail.content.template_engine import parse
from massmail.exceptions import MessageTemplateError
from massmail.tests.content.messages import SENDER

UNKNOWN_TAGS = [
    "{% load mailbuilder %}",
    "{% load static %}",
    '{% include "admin/base.html" %}',
    "{% include first_name %}",
    '{% extends "base.html" %}',
    "{% debug %}",
    "{% csrf_token %}",
    "{% now 'Y' %}",
    "{% url 'admin:index' %}",
    "{% for x in first_name %}{{ x }}{% endfor %}",
    "{% for a in b %}{% for c in d %}{% endfor %}{% endfor %}",
    "{% with a=first_name %}{{ a }}{% endwith %}",
    "{% block content %}{% endblock %}",
    "{% verbatim %}{{ owner.password }}{% endverbatim %}",
    "{% comment %}{{ x }}{% endcomment %}",
    "{% autoescape off %}{{ first_name }}{% endautoescape %}",
    "{% filter upper %}x{% endfilter %}",
    "{% templatetag openblock %}",
    "{% widthratio 1 1 999999999 %}",
    "{% spaceless %}{% endspaceless %}",
    "{% regroup a by b as c %}",
    "{% cycle 'a' 'b' %}",
    "{% lorem 999999999 w %}",
    "{% querystring %}",
    "{% trans 'x' %}",
    "{% blocktranslate %}{% endblocktranslate %}",
    "{% get_media_prefix %}",
    "{% cid_../../etc/passwd %}",
    "{% cid_ %}",
    "{% cid_LOGO %}",
    "{% ifchanged %}{% endifchanged %}",
    "{% IF first_name %}{% endif %}",
    "{% %}",
]
UNKNOWN_VARIABLES = [
    "{{ owner.password }}",
    "{{ first_name.0 }}",
    "{{ first_name.__class__ }}",
    "{{ first_name._meta }}",
    "{{ first_name.upper }}",
    "{{ _meta }}",
    "{{ __builtins__ }}",
    "{{ first_name() }}",
    "{{ first_name['x'] }}",
    "{{ 7 }}",
    "{{ 7*7 }}",
    '{{ "text" }}',
    '{{ _("text") }}',
    "{{ }}",
    "{{ first_name company }}",
    "{{ first_name|safe }}",
    "{{ first_name|safeseq }}",
    "{{ first_name|escape }}",
    "{{ first_name|add:'x' }}",
    "{{ first_name|ljust:'999999999' }}",
    "{{ first_name|center:999999999 }}",
    "{{ first_name|stringformat:'999999999s' }}",
    "{{ first_name|pprint }}",
    "{{ first_name|make_list }}",
    "{{ first_name|linebreaks }}",
    "{{ first_name|urlize }}",
    "{{ first_name|default:company }}",
    "{{ first_name|default:owner.password }}",
    "{{ first_name|default }}",
    "{{ first_name|default:_('x') }}",
    "{{ first_name|upper:'x' }}",
    "{{ first_name|truncatechars:0 }}",
    "{{ first_name|truncatechars:'9' }}",
    "{{ first_name|truncatechars:-1 }}",
    "{{ first_name|truncatechars:" + "9" * 5_000 + " }}",
    "{{ first_name|date:'c' }}",
    "{{ first_name|date:'" + "Y" * 5_000 + "' }}",
    "{{ first_name|default:'" + "x" * 5_000 + "' }}",
    "{{ first_name" + "|upper" * 9 + " }}",
    "{{ first_name" + "|upper" * 50_000 + " }}",
    "{{ " + "x" * 100_000 + " }}",
    '{{ first_name|default:"{{ company }}" }}',
    "{{ unknown_name }}",
]
BAD_CONDITIONS = [
    "{% if owner.password %}{% endif %}",
    "{% if _meta %}{% endif %}",
    "{% if 1 == 1 %}{% endif %}",
    "{% if first_name|length %}{% endif %}",
    "{% if first_name > 'a' %}{% endif %}",
    "{% if first_name is company %}{% endif %}",
    "{% if first_name == %}{% endif %}",
    "{% if == first_name %}{% endif %}",
    "{% if not %}{% endif %}",
    "{% if and %}{% endif %}",
    "{% if first_name and %}{% endif %}",
    "{% if %}{% endif %}",
    "{% if (first_name) %}{% endif %}",
    "{% if first_name company %}{% endif %}",
    "{% if " + "not " * 100_000 + "first_name %}{% endif %}",
    "{% if " + "first_name and " * 5_000 + "first_name %}{% endif %}",
    "{% if unknown_name %}{% endif %}",
    "{% if first_name %}",
    "{% endif %}",
    "{% else %}",
    "{% elif first_name %}{% endif %}",
]
LOST_BRACES = ["{{ first_name }", "{{ first_name", "{% if first_name", "{{"]


@pytest.mark.parametrize(
    "tag", [*UNKNOWN_TAGS, *UNKNOWN_VARIABLES, *BAD_CONDITIONS, *LOST_BRACES]
)
def test_it_is_refused_where_it_stands(tag):
    source = f"Hello\n  dear {tag} reader"

    with pytest.raises(MessageTemplateError) as refusal:
        parse(source, variables=["first_name", "company"])

    assert (refusal.value.line, refusal.value.column) == (2, 8)
    assert refusal.value.message


@pytest.mark.parametrize("field", ["subject", "preheader", "content", "text"])
def test_it_is_refused_in_every_part_of_a_message(field):
    parts = {"subject": "News", field: "x {{ owner.password }}"}

    with pytest.raises(MessageTemplateError) as refusal:
        compile_message(MessageSource(**parts), sender=SENDER, variables=None)

    assert (refusal.value.field, refusal.value.column) == (field, 3)


def test_it_is_refused_in_a_signature():
    source = MessageSource("News", content="<p>x</p>", signature="<b>{% debug %}</b>")

    with pytest.raises(MessageTemplateError) as refusal:
        compile_message(source, sender=SENDER, variables=None)

    assert (refusal.value.field, refusal.value.column) == ("signature", 4)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("{% if a %}\n{% else %}x{% else %}{% endif %}", (2, 12)),
        ("{% if a %}\n{% else %}x{% elif b %}{% endif %}", (2, 12)),
        ("{% if a %}\n {% elif %}{% endif %}", (2, 2)),
        ("{% if a %}\n {% else b %}{% endif %}", (2, 2)),
        ("{% if a %}\n {% endif b %}", (2, 2)),
        ("{% if a %}{% endif %}\n{% endif %}", (2, 1)),
        ("{% if a %}" * 11 + "{% endif %}" * 11, (1, 101)),
        ("{% if a %}" * 50_000, (1, 101)),
        ("{{ a }}\n" * 1_500, (1001, 1)),
        ("{{" * 250_000, (1, 1)),
        ("{% " * 150_000, (1, 1)),
        ("{#" * 250_000, (1, 499_999)),
    ],
)
def test_structure_and_size_are_refused_where_they_go_wrong(source, place):
    with pytest.raises(MessageTemplateError) as refusal:
        parse(source, variables=None)

    assert (refusal.value.line, refusal.value.column) == place


def test_a_source_of_more_than_512_kb_is_refused():
    with pytest.raises(MessageTemplateError, match="512 kB"):
        parse("é" * 262_145, variables=None)


def test_tags_behind_character_references_stay_text():
    source = MessageSource(
        "News", content="<p>&#123;&#123; first_name }} &lcub;% debug %&rcub;</p>"
    )

    message = compile_message(source, sender=SENDER, variables=[])

    assert message.used_variables == frozenset()
    assert "{{ first_name }} {% debug %}" in message.render_html({})
    assert message.render_text({}) == "{{ first_name }} {% debug %}\n"


@pytest.mark.parametrize(
    "content",
    [
        "<div>" * 100_000,
        "<p>" + "".join(f"<i title={n}>" for n in range(24)) + "</p>" + "<p>x" * 19_000,
        "<br>" * 30_000,
        "<style>" + "*{color:red}" * 4_000 + "</style>" + "<p>x" * 3_000,
        "<style>" + "x" * 70_000 + "</style>",
        "&lt;" * 100_000 + "<" * 200_000,
    ],
    ids=["depth", "formatting", "elements", "style work", "styles", "size"],
)
def test_html_that_would_take_too_long_is_refused(content):
    with pytest.raises(MessageTemplateError):
        compile_message(
            MessageSource("News", content=content), sender=SENDER, variables=None
        )

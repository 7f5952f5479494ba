"""What a template may say, and what is known of it after parsing."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.utils import translation

from massmail.content.personalization import fill_text
from massmail.content.template_engine import ENGINE, STANDARD_VARIABLES, parse
from massmail.exceptions import MessageTemplateError, RenderError

VALUES = {
    "name": "ann o'neil-SMITH",
    "empty": "",
    "blank": "  ",
    "none": None,
    "vip": "yes",
    "tags": "gold, partner",
    "birthday": date(1990, 2, 3),
    "visit": datetime(2024, 5, 6, 17, 30, tzinfo=UTC),
}


def filled(source: str, **values) -> str:
    return fill_text(parse(source, variables=None).program, {**VALUES, **values})


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ name|upper }}", "ANN O'NEIL-SMITH"),
        ("{{ name|lower }}", "ann o'neil-smith"),
        ("{{ name|title }}", "Ann O'neil-Smith"),
        ("{{ name|capfirst }}", "Ann o'neil-SMITH"),
        ("{{ name|truncatechars:4 }}", "ann…"),
        ("{{ name|truncatechars:999999999 }}", "ann o'neil-SMITH"),
        ("{{ empty|capfirst }}", ""),
        ("{{ unknown|upper }}", ""),
        ('{{ empty|default:"Sir or Madam" }}', "Sir or Madam"),
        ("{{ blank|default:'friend' }}", "friend"),
        ("{{ none | default : 'friend' | upper }}", "FRIEND"),
        ('{{ vip|default:"a|b:c" }}', "yes"),
        ('{{ none|default:"a|b:c" }}', "a|b:c"),
        ("{{ birthday }}", "Feb. 3, 1990"),
        ('{{ birthday|date:"j F Y" }}', "3 February 1990"),
        ('{{ birthday|date:"H:i" }}', "00:00"),
        ('{{ visit|date:"d.m.Y H:i" }}', "06.05.2024 17:30"),
        ("{{ visit|date }}", "May 6, 2024"),
        ("{{ birthday|date:'SHORT_DATE_FORMAT' }}", "02/03/1990"),
        ("{{ name|date:'Y' }}", "ann o'neil-SMITH"),
        ("{{ none|default:'soon'|date:'Y' }}", "soon"),
        ("{{ none|date:'Y'|default:'soon' }}", "soon"),
        ("{{ none|date:'Y' }}", ""),
        ("a{# nobody sees this #}b", "ab"),
        ("{ {{ vip }} }", "{ yes }"),
    ],
)
def test_variables_and_filters(source, text):
    assert filled(source) == text


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("vip", True),
        ("empty", False),
        ("blank", False),
        ("none", False),
        ("birthday", True),
        ("not empty", True),
        ("not not vip", True),
        ("vip and name", True),
        ("vip and empty", False),
        ("empty or vip", True),
        ("empty and empty or vip", True),
        ("vip or empty and empty", True),
        ("not empty and vip", True),
        ('vip == "yes"', True),
        ("vip == 'no'", False),
        ("vip != 'no'", True),
        ("not vip == 'no'", True),
        ("vip == vip", True),
        ("'gold' in tags", True),
        ("'silver' in tags", False),
        ("'silver' not in tags", True),
        ("empty == ''", True),
        ("vip == 'yes and no'", False),
    ],
)
def test_conditions(condition, holds):
    source = f"{{% if {condition} %}}yes{{% else %}}no{{% endif %}}"

    assert filled(source) == ("yes" if holds else "no")


def test_the_first_branch_that_holds_is_shown():
    source = "{% if empty %}a{% elif vip %}b{% elif name %}c{% else %}d{% endif %}"

    assert filled(source) == "b"
    assert filled(source, vip="") == "c"
    assert filled(source, vip="", name="") == "d"


def test_conditions_nest():
    source = "{% if vip %}a{% if empty %}b{% else %}c{% endif %}{% endif %}d"

    assert filled(source) == "acd"


def test_dates_speak_the_active_language():
    source = '{{ birthday|date:"j F Y" }}'

    with translation.override("de"):
        assert filled(source) == "3 Februar 1990"
    assert filled(source) == "3 February 1990"


def test_values_are_one_line_of_text():
    assert filled("{{ name }}", name="a\r\nb\nc\td\0e\u2028f\x85g") == "a b c d e f g"
    assert filled("{{ name }}", name="x\ud83dy") == "x\ufffdy"
    assert filled("{{ name }}", name="{{ vip }}{% debug %}") == "{{ vip }}{% debug %}"


@pytest.mark.parametrize("value", [7, object(), b"x", ["x"]])
def test_other_values_are_refused(value):
    with pytest.raises(RenderError):
        filled("{{ name }}", name=value)


@pytest.mark.parametrize(
    ("source", "used", "required"),
    [
        ("plain", set(), set()),
        ("{{ a }} {{ b|upper }}", {"a", "b"}, {"a", "b"}),
        ("{{ a|default:'' }}", {"a"}, set()),
        ("{{ a|upper|default:'x' }}", {"a"}, set()),
        ("{{ a|default:'x' }}{{ a }}", {"a"}, {"a"}),
        ("{% if a %}x{% endif %}", {"a"}, set()),
        ("{% if a %}{{ a }}{% else %}{{ b }}{% endif %}", {"a", "b"}, set()),
        ("{% if not a %}x{% else %}{{ a }}{% endif %}", {"a"}, set()),
        ("{% if a and b %}{{ a }}{{ b }}{% endif %}", {"a", "b"}, set()),
        ("{% if a or b %}{{ a }}{{ b }}{% endif %}", {"a", "b"}, set()),
        ("{% if not a or not b %}{% else %}{{ a }}{% endif %}", {"a", "b"}, set()),
        ("{% if a == 'x' %}{{ a }}{% endif %}", {"a"}, set()),
        ("{% if a == '' %}{{ a }}{% endif %}", {"a"}, set()),
        ("{% if a != '' %}{{ a }}{% endif %}", {"a"}, set()),
        ("{% if a != 'x' %}{{ a }}{% endif %}", {"a"}, set()),
        ("{% if 'x' in a %}{{ a }}{% endif %}", {"a"}, set()),
        ("{% if a in 'xyz' %}{{ a }}{% endif %}", {"a"}, set()),
        ("{% if b %}{% elif a %}{{ a }}{{ b }}{% endif %}", {"a", "b"}, set()),
        ("{% if a %}{{ a }}{% else %}{{ a }}{{ b }}{% endif %}", {"a", "b"}, {"a"}),
        ("{% if a %}{% if b %}{{ a }}{{ b }}{% endif %}{% endif %}", {"a", "b"}, set()),
    ],
)
def test_used_and_required_names(source, used, required):
    template = parse(source, variables=None)

    assert (template.used, template.required) == (used, required)


def test_standard_variables_always_exist():
    source = " ".join(f"{{{{ {name} }}}}" for name in STANDARD_VARIABLES)

    assert parse(source, variables=[]).used == set(STANDARD_VARIABLES)


def test_images_must_belong_to_the_message():
    assert parse("{% cid_logo %}", variables=[], images=["logo"]).used == set()

    with pytest.raises(MessageTemplateError, match="photo"):
        parse("{% cid_photo %}", variables=[], images=["logo"])


def test_the_engine_knows_no_other_template():
    assert ENGINE.template_loaders == []
    assert ENGINE.template_libraries == {}
    assert ENGINE.builtins == ["massmail.templatetags.mailbuilder"]

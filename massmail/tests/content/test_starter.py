"""What a new message begins with: complete, and in the writer's language."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from massmail.content.compiler import MessageSource, compile_message
from massmail.content.preflight import preflight
from massmail.content.starter import LAYOUTS, starter_html
from massmail.tests.content.messages import SENDER, VALUES


def compiled(html: str, variables: set[str]):
    source = MessageSource(subject="News", content=html)
    return compile_message(source, sender=SENDER, variables=variables)


@pytest.mark.parametrize("variables", [{"first_name"}, {"company"}, set()])
@pytest.mark.parametrize("language", ["en", "de", "ru"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_each_passes_preflight_for_all_types_of_recipients(variables, language, layout):
    with override(language):
        html = starter_html(variables=variables, layout=layout)
        message = compiled(html, variables)

    findings = preflight(
        message,
        postal_address=VALUES["postal_address"],
        public_base_url="https://news.example.com",
        require_https=True,
    )
    assert findings == []
    assert message.required_variables == frozenset()


def test_it_greets_by_name_where_there_are_names():
    by_name = compiled(starter_html(), {"first_name"})
    nameless = compiled(starter_html(variables={"company"}), {"company"})

    assert "Dear Ann," in by_name.render_text(VALUES)
    assert "Dear Sir or Madam," in by_name.render_text({**VALUES, "first_name": ""})
    assert "Dear Sir or Madam," in nameless.render_text(VALUES)


@pytest.mark.parametrize(
    "name", ["Müller & Söhne <GmbH>", "{{ today }} {% if %}", "{#"]
)
def test_the_companys_name_stays_text(name):
    message = compiled(starter_html(company_name=name), {"first_name"})

    assert name in message.render_text(VALUES)

"""What a message may hold, as its writer is told: variables, pictures, blocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.utils import formats, timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from massmail.content.starter import GREETED_BY
from massmail.content.values import Value
from massmail.models import LibraryImage, MassmailSettings
from massmail.orchestrator.preview_recipients import found_recipients
from massmail.orchestrator.preview_values import placeholder, sender_for
from massmail.recipients.access import access_policy
from massmail.recipients.registry import sources
from massmail.recipients.source import Recipient, RecipientSource
from massmail.site.links import admin_url

# An example is looked for in so many of the user's records.
SAMPLE_SIZE = 20
PICTURES_SHOWN = 60
MAX_PICTURE_WIDTH = 520  # of the text in a message of 600 pixels


@dataclass(frozen=True)
class OfferedVariable:
    """`fallback_tag` is how to write it for recipients who have no value."""

    name: str
    meaning: str
    example: str
    fallback_tag: str = ""
    types: str = ""  # labels of the recipients' types that have it

    @property
    def tag(self) -> str:
        return f"{{{{ {self.name} }}}}"


@dataclass(frozen=True)
class OfferedPicture:
    tag: str
    html: str
    url: str
    name: str


def recipients_variables(user: Any) -> list[OfferedVariable]:
    """All that recipients have, the name first, with an example of the user's own."""
    types: dict[str, list[RecipientSource]] = {}
    examples: dict[str, str] = {}
    for source in sources():
        own = found_recipients(source, user, "", SAMPLE_SIZE)
        for name in source.variables:
            types.setdefault(name, []).append(source)
            examples[name] = examples.get(name) or first_value(name, own)
    return [
        OfferedVariable(
            name,
            ", ".join(type_name(source) for source in types[name]),
            examples[name],
            fallback_tag(name),
            " ".join(source.label for source in types[name]),
        )
        for name in sorted(types, key=lambda name: name != GREETED_BY)
    ]


def type_name(source: RecipientSource) -> str:
    return str(capfirst(source.model._meta.verbose_name_plural))


def first_value(name: str, recipients: Iterable[Recipient]) -> str:
    values = (as_text(recipient.variables[name]) for recipient in recipients)
    return next(filter(None, values), "")


def as_text(value: Value) -> str:
    if value is None or isinstance(value, str):
        return (value or "").strip()
    return formats.date_format(value, "DATE_FORMAT")


def fallback_tag(name: str) -> str:
    """With what people are called, it is the greeting that has to go on."""
    words = _("Sir or Madam") if name.endswith("name") else _("…")
    return f'{{{{ {name}|default:"{words}" }}}}'


def standard_variables(user: Any) -> list[OfferedVariable]:
    """Those that every recipient has."""
    settings = MassmailSettings.load()
    sender = sender_for(user) or placeholder()
    address = " ".join(settings.postal_address.split())
    today = formats.date_format(timezone.localdate(timezone=settings.zone))
    return [
        OfferedVariable("unsubscribe_url", _("the recipient’s own link"), "https://…"),
        OfferedVariable("view_url", _("the mail in the browser"), "https://…"),
        OfferedVariable("postal_address", _("from the settings"), address),
        OfferedVariable("sender_name", _("of the account that sends"), sender.name),
        OfferedVariable("sender_email", _("of the account that sends"), sender.email),
        OfferedVariable("today", _("the day of sending"), today),
    ]


def offered_pictures(owned: Any, user: Any, site: AdminSite) -> list[OfferedPicture]:
    """The latest pictures that this message may use and the user may see."""
    offered = LibraryImage.objects.offered_to(owned).order_by("-updated_at")
    rows = access_policy().visible(user, offered)
    return [offered_picture(image, site) for image in rows[:PICTURES_SHOWN]]


def offered_picture(image: LibraryImage, site: AdminSite) -> OfferedPicture:
    return OfferedPicture(
        tag=picture_tag(image),
        html=picture_html(image),
        url=admin_url(site, image, "picture"),
        name=image.tag,
    )


def picture_tag(image: LibraryImage) -> str:
    return f"{{% cid_{image.tag} %}}"


def picture_html(image: LibraryImage) -> str:
    """As wide as it is, at most as wide as the text, never wider than a telephone."""
    return (
        f'<img src="{picture_tag(image)}" width="{min(image.width, MAX_PICTURE_WIDTH)}"'
        ' alt="" style="display:block;max-width:100%;height:auto">'
    )


def blocks() -> list[tuple[str, str]]:
    """(name, HTML) of what messages are often made of."""
    return [
        (_("Heading"), f"<h2>{_('Heading')}</h2>"),
        (_("Paragraph"), f"<p>{_('Text')}</p>"),
        (_("Link"), f'<a href="https://">{_("Link")}</a>'),
        (_("Button"), button_source()),
        (_("List"), f"<ul>\n<li>{_('Text')}</li>\n<li>{_('Text')}</li>\n</ul>"),
        (_("Only if there is a value"), "{% if company %}…{% else %}…{% endif %}"),
        (_("Signature"), "{% signature %}"),
    ]


def button_source() -> str:
    return BUTTON % {"text": _("What happens on a click")}


BUTTON = """\
<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:8px 0 24px">
<tr><td bgcolor="#1f4e79" style="border-radius:6px"><a href="https://" style="display:inline-block;padding:13px 28px;font-weight:bold;color:#ffffff;text-decoration:none">%(text)s</a></td></tr>
</table>"""  # noqa: E501

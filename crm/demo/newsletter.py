"""The message that the demo sends, with its picture, signature and settings."""

from __future__ import annotations

from pathlib import Path

from django.core.files.base import ContentFile

from crm.demo.banner import HEIGHT, WIDTH, banner_png
from crm.demo.staff import Team
from massmail.models import EmlMessage, LibraryImage, MassmailSettings, Signature

HERE = Path(__file__).parent
IMAGE_TAG = "larkfield_banner"
COMPANY = "Larkfield Coffee"
POSTAL_ADDRESS = "Larkfield Coffee, 12 Mill Lane, Oakham LE15 0AA, United Kingdom"
SIGNATURE = """\
<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>
<td style="border-left:3px solid #e9b44c;padding:2px 0 2px 14px">
<p style="margin:0;font-family:Georgia,serif;font-size:17px;line-height:24px">\
Anna Lindqvist</p>
<p style="margin:0;font-size:13px;line-height:20px">Customer care, Larkfield Coffee<br>
<a class="link" href="mailto:anna@larkfield.example.com">anna@larkfield.example.com</a>\
</p>
</td></tr></table>
"""


def load_newsletter(team: Team) -> EmlMessage:
    """Anna's message, checked as if she had saved it in the admin."""
    load_banner(team)
    signature = Signature.objects.create(
        owner=team.anna,
        department=team.north,
        name="Anna, customer care",
        type=Signature.Type.HTML,
        content=SIGNATURE,
        is_default=True,
    )
    message = EmlMessage(
        owner=team.anna,
        department=team.north,
        subject="{{ first_name|default:'Hello' }}, the new harvest is in",
        preheader="Red honey, ripe plum, and a tasting that costs nothing.",
        content=(HERE / "newsletter.html").read_text(encoding="utf-8"),
        text=(HERE / "newsletter.txt").read_text(encoding="utf-8"),
        signature=signature,
    )
    message.full_clean()
    message.save()
    return message


def load_banner(team: Team) -> LibraryImage:
    image = LibraryImage(
        owner=team.anna,
        department=team.north,
        tag=IMAGE_TAG,
        filename="hills.png",
        mime_type="image/png",
        width=WIDTH,
        height=HEIGHT,
    )
    image.file.save("hills.png", ContentFile(banner_png()), save=False)
    image.save()
    return image


def load_settings(*, base_url: str, company_url: str) -> None:
    """Massmail Settings of the demo: its links lead to the demo's own site."""
    settings = MassmailSettings.load()
    settings.company_name = COMPANY
    settings.postal_address = POSTAL_ADDRESS
    settings.public_base_url = base_url
    settings.unsubscribe_redirect_url = company_url
    settings.save()

"""How the copies of a launched message are tracked, decided once at the launch."""

from __future__ import annotations

from massmail.content.compiler import LinkRewriter, compile_message
from massmail.content.headers import Sender
from massmail.content.message_source import MessageSource
from massmail.models import MailingOut, MassmailSettings, MessageVersion
from massmail.tracking.links import keep_links, utm_of, with_utm
from massmail.tracking.public_links import click_address, pixel_address

NOBODY = Sender("", "nobody@example.com")


def choose_tracking(mailing: MailingOut, version: MessageVersion) -> None:
    """Set what the version does; `keep_tracked_links` follows when it is saved.

    What was decided at the launch holds for a corrected text, too.
    """
    if launched := mailing.version:
        version.tracks_opens = launched.tracks_opens
        version.tracks_clicks = launched.tracks_clicks
        version.utm = launched.utm
        return
    settings = MassmailSettings.load()
    version.tracks_opens = settings.track_opens and mailing.is_tracked
    version.tracks_clicks = settings.track_clicks and mailing.is_tracked
    version.utm = utm_of(source=settings.utm_source, campaign=mailing.utm_campaign)


def keep_tracked_links(version: MessageVersion, source: MessageSource) -> None:
    """The addresses to which clicks may lead: those that are in the message now."""
    if not version.tracks_clicks:
        return
    found: list[tuple[int, str]] = []

    def remember(address: str, position: int) -> str:
        found.append((position, address))
        return address

    compile_message(source, sender=NOBODY, variables=None, link_rewriter=remember)
    keep_links(version, found, base_url=MassmailSettings.load().base_url)


def link_rewriter(version: MessageVersion, base_url: str) -> LinkRewriter | None:
    """Addresses that lead over this site, or only gain their UTM parameters.

    Without a base URL nothing is tracked.
    """
    codes: dict[int, str] = {}
    if base_url and version.tracks_clicks:
        codes = dict(version.tracked_links.values_list("position", "code"))
    if not codes and not version.utm:
        return None

    def rewritten(address: str, position: int) -> str:
        if position in codes:
            return click_address(codes[position], base_url)
        return with_utm(address, version.utm)

    return rewritten


def pixel_of(version: MessageVersion, base_url: str) -> str:
    return pixel_address(base_url) if base_url and version.tracks_opens else ""

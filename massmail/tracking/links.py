"""The links of a launched message: kept at the launch, followed from the mails."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from massmail.models import MessageVersion, NamedLink, TrackedLink
from massmail.models.address import InvalidAddress, ascii_domain
from massmail.tracking.public_links import slug_in

# Django redirects to no longer ones.
MAX_TARGET = 2000


def keep_links(
    version: MessageVersion, links: Iterable[tuple[int, str]], *, base_url: str
) -> None:
    """Store (position, address) of what the message links to; named ones by name."""
    found = [
        (position, url, slug_in(url, base_url))
        for position, url in links
        if is_followable(url)
    ]
    named = NamedLink.objects.in_bulk(
        {slug for _position, _url, slug in found if slug}, field_name="slug"
    )
    TrackedLink.objects.bulk_create(
        TrackedLink(
            version=version,
            position=position,
            url=url,
            named_link=named.get(slug),
            name=named[slug].name if slug in named else "",
        )
        for position, url, slug in found
    )


def is_followable(url: str) -> bool:
    """Others stay in the mails as they are written."""
    try:
        return bool(urlsplit(url).hostname) and len(url) <= MAX_TARGET
    except ValueError:
        return False


def target_of(link: TrackedLink) -> str:
    """Where a click leads; "" when the link shows a message instead."""
    named = link.named_link
    if named is None:
        return with_utm(link.url, link.version.utm)
    if named.action == NamedLink.Action.MESSAGE:
        return ""
    return with_utm(named.url, link.version.utm)


def with_utm(url: str, utm: str) -> str:
    """The address with those parameters that it does not have yet."""
    if not utm or not is_followable(url):
        return url
    parts = urlsplit(url)
    present = {name for name, _value in parse_qsl(parts.query, keep_blank_values=True)}
    new = urlencode([pair for pair in parse_qsl(utm) if pair[0] not in present])
    query = "&".join(filter(None, [parts.query, new]))
    return urlunsplit(parts._replace(query=query))


def ascii_host(url: str) -> str:
    """The address with its host as A-label, as it has to be in a header."""
    try:
        parts = urlsplit(url)
        host = ascii_domain(parts.hostname or "")
    except (InvalidAddress, ValueError):
        return url
    userinfo, at, _host = parts.netloc.rpartition("@")
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{userinfo}{at}{host}{port}"))


def utm_of(*, source: str, campaign: str) -> str:
    """The parameters of a mailing; none without a campaign."""
    if not campaign:
        return ""
    pairs = {"utm_source": source, "utm_medium": "email", "utm_campaign": campaign}
    return urlencode({name: value for name, value in pairs.items() if value})

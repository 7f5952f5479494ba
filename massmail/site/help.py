"""Links from a page to the section of the user guide that explains it."""

from __future__ import annotations

from massmail.conf import conf


def help_url(anchor: str = "") -> str:
    """ "" where the deployment names no guide."""
    if not conf.USER_GUIDE_URL:
        return ""
    return f"{conf.USER_GUIDE_URL}#{anchor}" if anchor else conf.USER_GUIDE_URL

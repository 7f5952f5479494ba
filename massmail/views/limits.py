"""How often the buttons of one link may be pressed.

Nobody presses them twenty times a minute; what does so must not keep the site busy. By
the link and not by the network: behind one address may be a whole company, or the proxy
before this site. A mail provider's one-click request is never counted.
"""

from __future__ import annotations

import hashlib
import logging

from django.core.cache import cache

logger = logging.getLogger(__name__)

# Whatever is hung on behind it.
TOKEN_LENGTH = 54
MOST_PRESSES = 20
SECONDS = 60


def is_pressed_too_often(token: str) -> bool:
    """Counts this press. Forged links are counted like others: nothing tells them."""
    link = token[:TOKEN_LENGTH].encode("utf-8", "replace")
    digest = hashlib.sha256(link).hexdigest()[:32]
    key = f"massmail-presses-{digest}"
    try:
        cache.add(key, 0, SECONDS)
        return cache.incr(key) > MOST_PRESSES
    except ValueError:
        # It ran out between the two.
        return False
    except Exception:
        # Whatever a host's cache raises: nobody's opt-out may fail at it.
        logger.exception("The presses of a link were not counted")
        return False

"""The recipients' pages alone, for a host name and processes of their own.

No sessions, no log-in, no admin in the urlconf: nothing there to be attacked, and
each request passes through little.
"""

from __future__ import annotations

from settings.environments.production import *

ROOT_URLCONF = "settings.public_urls"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
]

"""The recipients' pages alone, for a host name and processes of their own.

No sessions, no log-in, no admin in the urlconf: nothing there to be attacked, and
each request passes through little.
"""

from __future__ import annotations

from settings.environments.production import *

# The admin is installed, since its tables are, and not served here.
SILENCED_SYSTEM_CHECKS = ["admin.E408", "admin.E409", "admin.E410", "axes.W002"]

# Whether a connection of the pool is still good is not asked before each request, which
# costs as much as an opt-out: these pages are repeated where it turns out to be lost.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = False

ROOT_URLCONF = "settings.public_urls"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

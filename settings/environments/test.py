"""The suite: a SQLite file by default, any DATABASE_URL on demand."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from settings.environments.background import *
from settings.environments.base import *
from settings.environments.env import database

DEBUG = False
SECRET_KEY = "test-only-" + "0" * 50
FIELD_ENCRYPTION_KEYS = ["dGVzdC1vbmx5LWtleS0zMi1ieXRlcy1sb25nISEhISE="]
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]

# A file, since SQLite ignores the busy time-out between in-memory connections.
TEST_DIR = Path(tempfile.gettempdir()) / f"massmail-test-{os.getuid()}"
TEST_DIR.mkdir(mode=0o700, exist_ok=True)
DATABASES = {"default": database(f"sqlite:///{TEST_DIR / 'unused.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": str(TEST_DIR / "suite.sqlite3")}

INSTALLED_APPS += ["massmail.tests.hostapp.apps.HostAppConfig"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Of this process alone, gone with it.
_media_folder = tempfile.TemporaryDirectory(prefix="massmail-media-")
MEDIA_ROOT = _media_folder.name
STATIC_ROOT = str(TEST_DIR / "static")
# WhiteNoise warns of a folder that is not there.
Path(STATIC_ROOT).mkdir(exist_ok=True)
AXES_ENABLED = False
LOGGING["root"]["level"] = "WARNING"

MASSMAIL |= {
    "ADDRESS_KEY": "test-only-address-key",
    "ALLOW_PRIVATE_HOSTS": True,
    "PUBLIC_BASE_URL": "https://news.example.com",
    "DNS_TIMEOUT": 0,
}

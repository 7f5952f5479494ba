"""Production: refuses to start without its secrets."""

from __future__ import annotations

from settings.environments.background import *
from settings.environments.base import *
from settings.environments.env import database, env, public_base_url, secret, secrets

DEBUG = False
SECRET_KEY = secret("SECRET_KEY", help_text="at least 50 random characters.")
FIELD_ENCRYPTION_KEYS = secrets(
    "FIELD_ENCRYPTION_KEYS",
    help_text="comma-separated Fernet keys; the first one writes.",
)
ALLOWED_HOSTS = secrets("ALLOWED_HOSTS", help_text="the host names of this site.")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
secret("DATABASE_URL", help_text="for example postgres://user:password@host/name.")
DATABASES = {"default": database("")}

MASSMAIL |= {
    "ADDRESS_KEY": secret(
        "ADDRESS_KEY",
        help_text="random text that must never change: it keys the don't-mail list.",
    ),
    "PUBLIC_BASE_URL": public_base_url(),
    "REQUIRE_HTTPS": True,
}

SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool(
    "SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True
)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=True)
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

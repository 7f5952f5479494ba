"""A project that has nothing in common with the CRM beside massmail.

It installs what the docs name and no more: users are of its own model, everybody has to
log in, the admin and the recipients' pages have other addresses.
"""

from __future__ import annotations

import os
import tempfile

import environ

_folder = tempfile.TemporaryDirectory(prefix="massmail-elsewhere-")

SECRET_KEY = "test-only-" + "0" * 50
FIELD_ENCRYPTION_KEYS = ["dGVzdC1vbmx5LWtleS0zMi1ieXRlcy1sb25nISEhISE="]
ALLOWED_HOSTS = ["testserver"]
DATABASES = {"default": environ.Env().db("DATABASE_URL", "sqlite:///unused")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"] |= {
        "TEST": {"NAME": f"{_folder.name}/elsewhere.sqlite3"},
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
    }
else:
    DATABASES["default"]["TEST"] = {"NAME": f"test_elsewhere_{os.getpid()}"}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "massmail.tests.elsewhere",
    "common",
    "massmail",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = "massmail.tests.elsewhere.urls"
AUTH_USER_MODEL = "elsewhere.Seller"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_URL = "static/"
USE_TZ = True

MASSMAIL = {
    "ADDRESS_KEY": "test-only-address-key",
    "ALLOW_PRIVATE_HOSTS": True,
    "PUBLIC_BASE_URL": "https://news.example.com",
    "DNS_TIMEOUT": 0,
}

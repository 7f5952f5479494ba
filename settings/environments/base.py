"""What every environment shares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from settings.environments.env import PROJECT_DIR, env, oauth_registrations

BASE_DIR = PROJECT_DIR
# Data that the embedded default keeps: database, media, the demo's mail.
VAR_DIR = Path(env.str("VAR_DIR", default=str(PROJECT_DIR / "var")))

INSTALLED_APPS = [
    "settings.apps.SettingsConfig",
    # Before the admin, whose base template it extends.
    "crm.apps.CrmConfig",
    "crm.apps.CrmAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "axes",
    "import_export",
    "django_prose_editor",
    "common.apps.CommonConfig",
    "massmail.apps.MassmailConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "settings.urls"
WSGI_APPLICATION = "settings.wsgi.application"
ASGI_APPLICATION = "settings.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# One line less on standard error of every command.
AXES_VERBOSE = False
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 1  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "crm.site.errors.locked_out"
CSRF_FAILURE_VIEW = "crm.site.errors.stale_form"

LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", _("English")),
    ("ru", _("Russian")),
    ("de", _("German")),
    ("fr", _("French")),
    ("es", _("Spanish")),
    ("uk", _("Ukrainian")),
]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(VAR_DIR / "static"))
# Where uploaded tables wait for their confirmation; several web hosts share it.
IMPORT_DIR = env.str("IMPORT_DIR", default="") or str(VAR_DIR / "imports")
MEDIA_URL = "media/"
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(VAR_DIR / "media"))

# Previews exempt themselves: they are framed by this site alone.
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "frame-ancestors": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "common.logs.MaskingFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "plain"},
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
}

# What handles passwords and tokens shows no values in exception mails.
DEFAULT_EXCEPTION_REPORTER_FILTER = "common.exception_reports.HidingFilter"
HIDDEN_TRACEBACK_PACKAGES = [
    "common.fields",
    "common.rotation",
    "massmail.backends",
    "massmail.credentials",
    "massmail.forms.email_account",
    "massmail.orchestrator.connecting",
    "massmail.sending.connections",
    "massmail.site.email_account",
    "massmail.views.oauth",
]

MASSMAIL = {
    "ACCESS_POLICY": "crm.access.CrmAccessPolicy",
    "ALLOW_PRIVATE_HOSTS": env.bool("MASSMAIL_ALLOW_PRIVATE_HOSTS", default=False),
    "DNS_TIMEOUT": env.float("MASSMAIL_DNS_TIMEOUT", default=3.0),
    "EHLO_NAME": env.str("MASSMAIL_EHLO_NAME", default=""),
    "OAUTH": oauth_registrations(),
    "STAFF_BASE_URL": env.str("STAFF_BASE_URL", default=""),
    "USER_GUIDE_URL": env.str("USER_GUIDE_URL", default=""),
    "PUBLIC_URLCONF": "settings.public_urls",
    "EDITOR_WIDGET": "massmail.forms.editing.VisualEditor",
}

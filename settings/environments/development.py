"""The embedded default: SQLite, no broker, works without any `.env`."""

from __future__ import annotations

from settings.environments.background import *
from settings.environments.base import *
from settings.environments.env import database, env, public_base_url

DEBUG = env.bool("DEBUG", default=True)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

# Known to everybody: good for a trial on this machine, refused in production.
SECRET_KEY = env.str("SECRET_KEY", default="development-only-" + "0" * 40)
FIELD_ENCRYPTION_KEYS = env.list(
    "FIELD_ENCRYPTION_KEYS",
    default=["ZGV2ZWxvcG1lbnQtb25seS1rZXktMzItYnl0ZXMhISE="],
)

VAR_DIR.mkdir(parents=True, exist_ok=True)
DATABASES = {"default": database(f"sqlite:///{VAR_DIR / 'massmail.sqlite3'}")}

# The demo sends to a catcher whose mail is shown under /catcher/.
DEMO_CATCHER = env.bool("DEMO_CATCHER", default=True)
DEMO_CATCHER_DIR = VAR_DIR / "catcher"

MASSMAIL |= {
    "ADDRESS_KEY": env.str("ADDRESS_KEY", default="development-only-address-key"),
    "ALLOW_PRIVATE_HOSTS": env.bool("MASSMAIL_ALLOW_PRIVATE_HOSTS", default=True),
    # The demo's domains are nobody's.
    "DNS_TIMEOUT": env.float("MASSMAIL_DNS_TIMEOUT", default=0.0),
    "PUBLIC_BASE_URL": public_base_url(default="http://127.0.0.1:8000"),
}

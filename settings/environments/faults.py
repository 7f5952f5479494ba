"""Processes that tests start, kill and restart: the suite's settings, sped up.

DATABASE_URL names the database of the test; each time of `MASSMAIL` can be set by an
environment variable of its name, such as MASSMAIL_LEASE_SECONDS.
"""

from __future__ import annotations

from settings.environments.env import env
from settings.environments.test import *

INSTALLED_APPS += ["massmail.tests.stories.apps.StoriesConfig"]

MASSMAIL |= {
    name: env.float(f"MASSMAIL_{name}", default=seconds)
    for name, seconds in {
        "LEASE_SECONDS": 2.0,
        "FINAL_DOT_TIMEOUT": 3.0,
        "LEASE_MARGIN": 1.0,
        "CONNECTION_RETRY_SECONDS": 0.5,
        "RUN_SECONDS": 3.0,
        "TERM_SECONDS": 10.0,
    }.items()
}
# Small, so that a killed worker strands few rows until its lease ends.
MASSMAIL["CLAIM_BATCH"] = env.int("MASSMAIL_CLAIM_BATCH", default=10)

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="redis://127.0.0.1:6379/1")
CELERY_TASK_DEFAULT_QUEUE = env.str("CELERY_TASK_DEFAULT_QUEUE", default="celery")
for entry in CELERY_BEAT_SCHEDULE.values():
    entry["schedule"] = 0.5

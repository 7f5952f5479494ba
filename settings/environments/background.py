"""Celery: it only wakes the sender, the database holds the schedule."""

from __future__ import annotations

from settings.environments.env import env

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="redis://127.0.0.1:6379/0")
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Forever: a worker that gave up would stay silent when the broker is back.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
# A run stops by itself after 15 s, but a server may take 600 s to answer a dot.
CELERY_TASK_SOFT_TIME_LIMIT = None
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "walk account queues": {
        "task": "massmail.tasks.walk_account_queues",
        "schedule": 5.0,
        # A backlog of wake-ups is worth nothing once the next one is due.
        "options": {"expires": 10.0},
    },
    # Each account comes up once a day; the hour only spreads them out.
    "check idle accounts": {
        "task": "massmail.tasks.check_idle_accounts",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    # Each mailbox is due every five minutes; one that was refused, less often.
    "poll mailboxes": {
        "task": "massmail.tasks.poll_mailboxes",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "prepare mailings": {
        "task": "massmail.tasks.prepare_mailings",
        "schedule": 5.0,
        "options": {"expires": 10.0},
    },
    "process hits": {
        "task": "massmail.tasks.process_hits",
        "schedule": 5.0,
        "options": {"expires": 10.0},
    },
}

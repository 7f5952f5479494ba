"""The Celery application: `celery -A settings worker`, `celery -A settings beat`."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.environments.production")

app = Celery("massmail")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

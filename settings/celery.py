"""The Celery application: `celery -A settings worker`, `celery -A settings beat`."""

from __future__ import annotations

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import after_setup_logger, after_setup_task_logger

from common.logs import MaskingFormatter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.environments.production")

app = Celery("massmail")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@after_setup_logger.connect
@after_setup_task_logger.connect
def mask_addresses(*, logger: logging.Logger, **kwargs: Any) -> None:
    """Workers set up logs of their own, past Django's LOGGING."""
    for handler in logger.handlers:
        handler.setFormatter(MaskingFormatter(inner=handler.formatter))

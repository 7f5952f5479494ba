"""The project package: it alone knows every app."""

from settings.celery import app as celery_app

__all__ = ["celery_app"]

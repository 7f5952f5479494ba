from django.apps import AppConfig


class CommonConfig(AppConfig):
    """Abstract models, fields and admin helpers."""

    name = "common"

from django.apps import AppConfig


class HostAppConfig(AppConfig):
    """A tiny host: recipients with integer, UUID and string primary keys."""

    name = "massmail.tests.hostapp"
    label = "hostapp"

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SettingsConfig(AppConfig):
    """What superusers edit for the whole site, under Home › Settings."""

    name = "settings"
    verbose_name = _("Settings")

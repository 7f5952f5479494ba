"""Home › Settings › Massmail Settings."""

from __future__ import annotations

from django.contrib import admin

from massmail.site.massmail_settings import MassmailSettingsAdmin
from settings.models import MassmailSettings

admin.site.register(MassmailSettings, MassmailSettingsAdmin)

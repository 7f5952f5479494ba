"""The recipients' pages, in the namespace `massmail_public:`."""

from __future__ import annotations

from django.urls import path

from massmail.views.unsubscribe import UnsubscribeView, done

app_name = "massmail_public"
urlpatterns = [
    # A token of any form, also one with slashes that a mail program broke, gets the
    # same page: a link that does not work must not look like a missing site.
    path("u/<path:token>", UnsubscribeView.as_view(), name="unsubscribe"),
    path("unsubscribed/", done, name="unsubscribed"),
]

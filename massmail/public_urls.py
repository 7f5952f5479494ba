"""The recipients' pages, in the namespace `massmail_public:`."""

from __future__ import annotations

from django.urls import path

from massmail.views.browser_copy import view_in_browser
from massmail.views.resubscribe import ResubscribeView
from massmail.views.tracked import click, named_link, pixel
from massmail.views.unsubscribe import UnsubscribeView, done

app_name = "massmail_public"
urlpatterns = [
    # A token of any form, also one with slashes that a mail program broke, gets the
    # same page: a link that does not work must not look like a missing site.
    path("u/<path:token>", UnsubscribeView.as_view(), name="unsubscribe"),
    path("unsubscribed/", done, name="unsubscribed"),
    path("s/<path:token>", ResubscribeView.as_view(), name="resubscribe"),
    path("v/<path:token>", view_in_browser, name="view"),
    path("c/<slug:code>/<path:token>", click, name="click"),
    path("o/<path:token>", pixel, name="open"),
    path("l/<path:slug>", named_link, name="named_link"),
]

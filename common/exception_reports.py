"""Exception mails and debug pages without credentials."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator
from types import FrameType
from typing import Any

from django.conf import settings
from django.views.debug import SafeExceptionReporterFilter


class HidingFilter(SafeExceptionReporterFilter):
    """Hides the local variables of the packages named in HIDDEN_TRACEBACK_PACKAGES,
    and of everything that they call.

    Django's own `sensitive_variables` does not reach into generators, nor into the
    libraries to which a credential is passed on.
    """

    def get_post_parameters(self, request: Any) -> dict[str, Any]:
        """Passwords never: an error may come before the view that would say so."""
        given = super().get_post_parameters(request)
        return {name: self.cleanse_setting(name, given[name]) for name in given}

    def get_traceback_frame_variables(
        self, request: Any, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        if any(is_hidden(frame) for frame in with_callers(tb_frame)):
            return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()
        return super().get_traceback_frame_variables(request, tb_frame)


def with_callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def is_hidden(frame: FrameType) -> bool:
    module = f"{frame.f_globals.get('__name__', '')}."
    packages = getattr(settings, "HIDDEN_TRACEBACK_PACKAGES", ())
    return any(module.startswith(f"{package}.") for package in packages)

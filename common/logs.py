"""Logs that tell nobody's address."""

from __future__ import annotations

import logging
import re

from common.utils.helpers import mask_address

ADDRESS = re.compile(r"[^\s<>\"'(),:;=\[\]\\]+@[\w-]+(?:\.[\w-]+)+")


def masked(text: str) -> str:
    return ADDRESS.sub(lambda found: mask_address(found[0]), text)


class MaskingFormatter(logging.Formatter):
    """Masks addresses in messages and tracebacks, whoever wrote them.

    `inner` is a formatter whose form is kept (Celery brings its own).
    """

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: str = "%",
        validate: bool = True,
        *,
        defaults: dict[str, object] | None = None,
        inner: logging.Formatter | None = None,
    ) -> None:
        super().__init__(fmt, datefmt, style, validate, defaults=defaults)  # type: ignore[arg-type]
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        text = self._inner.format(record) if self._inner else super().format(record)
        return masked(text)

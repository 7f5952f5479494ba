"""Where the pictures of the library are shown."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from massmail.models import EmlMessage, Signature
from massmail.orchestrator.compiling import IMAGE_TAG

Shows = type[EmlMessage] | type[Signature]


def count_uses(tags: Collection[str]) -> dict[Shows, int]:
    """How many messages and signatures, whosever they are, name one of the tags."""
    models: tuple[Shows, ...] = (EmlMessage, Signature)
    return {model: count for model in models if (count := count_in(model, tags))}


def count_in(model: Shows, tags: Collection[str]) -> int:
    named = Q(pk__in=[])
    for tag in tags:
        named |= Q(content__contains=f"cid_{tag}")
    texts = model._default_manager.filter(named).values_list("content", flat=True)
    # `cid_rose` is in `cid_rose_2`, too.
    return sum(
        not set(tags).isdisjoint(IMAGE_TAG.findall(text)) for text in texts.iterator()
    )

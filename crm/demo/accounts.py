"""Accounts that send to the catcher, without gaps and with ample limits."""

from __future__ import annotations

from typing import Any

from crm.demo.staff import Team
from massmail.models import EmailAccount

CATCHER_HOST = "127.0.0.1"
AMPLE = 10_000_000


def load_accounts(team: Team, smtp_port: int) -> None:
    """Anna has her main account and two for mass mail, Marek one."""
    anna = {"owner": team.anna, "department": team.north, "from_name": "Anna Lindqvist"}
    add_account(
        smtp_port,
        name="Anna's own",
        from_email="anna@larkfield.example.com",
        is_main=True,
        for_massmail=False,
        **anna,
    )
    for name in ("News", "Letters"):
        add_account(
            smtp_port,
            name=f"{name} of Larkfield",
            from_email=f"{name.lower()}@larkfield.example.com",
            reply_to="anna@larkfield.example.com",
            **anna,
        )
    add_account(
        smtp_port,
        name="Marek's own",
        from_email="marek@larkfield.example.com",
        from_name="Marek Nowak",
        owner=team.marek,
        department=team.south,
    )


def add_account(smtp_port: int, **values: Any) -> EmailAccount:
    return EmailAccount.objects.create(
        email_host=CATCHER_HOST,
        email_port=smtp_port,
        security=EmailAccount.Security.NONE,
        auth=EmailAccount.NO_AUTH,
        per_day=AMPLE,
        per_hour=AMPLE,
        per_minute=AMPLE,
        min_gap_seconds=0,
        max_gap_seconds=0,
        # SQLite has one writer: more connections would only wait for it.
        max_connections=4,
        **values,
    )

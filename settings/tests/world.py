"""A department of colleagues, one of whom owns a row of every model."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client

from crm.models import (
    ClientType,
    Company,
    Contact,
    Country,
    Department,
    Industry,
    Lead,
    Tag,
)
from massmail import models, tokens
from massmail.tests import factories
from massmail.tests.factories import NOW

# In every text of the owner's rows: who may not see them must never read these.
MAIL_MARK = "quaggamail"
RECORD_MARK = "okapirecord"
# In every credential: no page shows it to anybody.
SECRET_MARK = "unicornsecret"

SUPERUSER, OWNER, CHIEF, COLLEAGUE = "superuser", "owner", "chief", "colleague"
OPERATOR, PLAIN, ANONYMOUS = "operator", "staff without rights", "anonymous"
HEAD, SUPEROPERATOR = "department head", "superoperator"
GROUPS = {
    SUPERUSER: None,
    OWNER: "managers",
    COLLEAGUE: "managers",
    CHIEF: "chiefs",
    HEAD: "department heads",
    OPERATOR: "operators",
    SUPEROPERATOR: "superoperators",
    PLAIN: None,
}
ROLES = (*GROUPS, ANONYMOUS)

TEAM = frozenset({SUPERUSER, OWNER, CHIEF})
PERSONAL = frozenset({SUPERUSER, OWNER})
RECORDS = TEAM | {OPERATOR, SUPEROPERATOR}
LEDGER = TEAM | {HEAD}
TECHNICAL = frozenset({SUPERUSER})
# Choices that everybody shares, and pages that depend on model permissions alone.
SHARED: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sample:
    """A row, and the roles that see it (none: its pages are not about an owner)."""

    obj: Model
    seen_by: frozenset[str]


@dataclass
class World:
    """Build it inside a transaction; everything goes when that is rolled back."""

    users: dict[str, User] = field(default_factory=dict)
    samples: dict[type[Model], Sample] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)

    def build(self) -> World:
        self.department = Group.objects.create(name="North")
        Department.objects.create(group=self.department)
        for role in GROUPS:
            self.users[role] = self.person(role)
            self.sessions[role] = self.log_in(self.users[role])
        self.owner = self.users[OWNER]
        self.add_records()
        self.add_texts()
        self.add_mailing()
        self.add_shared()
        return self

    def person(self, role: str) -> User:
        user = factories.UserFactory(
            username=role.replace(" ", "-"), is_superuser=role == SUPERUSER
        )
        user.groups.add(self.department)
        if group := GROUPS[role]:
            user.groups.add(Group.objects.get(name=group))
        return user

    def log_in(self, user: User) -> str:
        client = Client()
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        return client.cookies[settings.SESSION_COOKIE_NAME].value

    def client(self, role: str) -> Client:
        """A browser of its own for each request: some pages end the session."""
        client = Client(raise_request_exception=False)
        if role != ANONYMOUS:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[role]
        return client

    @property
    def owned(self) -> dict[str, object]:
        return {"owner": self.owner, "department": self.department}

    def add(self, obj: Model, seen_by: frozenset[str]) -> Model:
        self.samples[type(obj)] = Sample(obj, seen_by)
        return obj

    def add_records(self) -> None:
        mail = f"{RECORD_MARK}@example.com"
        company = Company.objects.create(
            name=f"{RECORD_MARK} Ltd", email=mail, **self.owned
        )
        person = {"first_name": RECORD_MARK, "email": f"a.{mail}"}
        contact = Contact.objects.create(company=company, **person, **self.owned)
        lead = Lead.objects.create(**person, **self.owned)
        for record in (company, contact, lead):
            self.add(record, RECORDS)

    def add_texts(self) -> None:
        mark = {"name": MAIL_MARK}
        self.account = self.add(
            factories.EmailAccountFactory(
                from_email=f"{MAIL_MARK}@example.com",
                email_host=f"{MAIL_MARK}.example.com",
                email_host_user=MAIL_MARK,
                email_host_password=SECRET_MARK,
                access_token=SECRET_MARK,
                refresh_token=SECRET_MARK,
                state="stopped",
                **mark,
                **self.owned,
            ),
            TEAM,
        )
        signature = factories.SignatureFactory(content=MAIL_MARK, **mark, **self.owned)
        self.add(signature, TEAM)
        self.message = self.add(
            factories.EmlMessageFactory(
                subject=MAIL_MARK, signature=signature, **self.owned
            ),
            TEAM,
        )
        picture = factories.LibraryImageFactory(
            tag=MAIL_MARK, filename=f"{MAIL_MARK}.png", **self.owned
        )
        self.add(picture, TEAM)
        link = models.NamedLink(
            name=MAIL_MARK,
            slug=MAIL_MARK,
            url=f"https://{MAIL_MARK}.example.com/",
            message=MAIL_MARK,
            **self.owned,
        )
        link.save()
        self.add(link, TEAM)

    def add_mailing(self) -> None:
        version = factories.MessageVersionFactory(message=self.message)
        mailing = factories.MailingOutFactory(
            launched=True,
            name=MAIL_MARK,
            message=self.message,
            version=version,
            **self.owned,
        )
        contact = self.samples[Contact].obj
        delivery = factories.DeliveryFactory(
            mailing=mailing,
            email_account=self.account,
            recipient=contact,
            name=f"{MAIL_MARK} {RECORD_MARK}",
        )
        self.delivery = self.add(delivery, LEDGER)
        target_list = factories.TargetListFactory(
            public_name="Our letter", name=MAIL_MARK, **self.owned
        )
        factories.TargetListMemberFactory(target_list=target_list, recipient=contact)
        mailing.target_lists.add(target_list)
        self.add(target_list, LEDGER)
        self.add(version, TEAM)
        self.add(mailing, LEDGER)
        self.add(factories.MassContactFactory(recipient=contact), PERSONAL)
        self.add(factories.AlertFactory(recipient=self.owner, text=MAIL_MARK), PERSONAL)
        self.add(factories.SendAttemptFactory(delivery=delivery), TECHNICAL)
        self.add(factories.DeliveryEventFactory(delivery=delivery), TECHNICAL)
        self.add_health()

    def add_health(self) -> None:
        self.add(
            models.AccountEvent.objects.create(
                email_account=self.account,
                occurred_at=NOW,
                state="stopped",
                detail=MAIL_MARK,
            ),
            TEAM,
        )
        turn = models.EmlAccountsQueue.objects.create(
            owner=self.owner, email_account=self.account
        )
        self.add(turn, PERSONAL)
        suppressed = factories.SuppressedAddressFactory(
            address=f"{MAIL_MARK}@example.com", by=self.owner
        )
        self.add(suppressed, PERSONAL)
        change = models.SuppressionChange.objects.create(domain=f"{MAIL_MARK}.org")
        self.add(change, TECHNICAL)
        self.add(models.Heartbeat.objects.create(name="beat", beat_at=NOW), TECHNICAL)

    def add_shared(self) -> None:
        for model in (ClientType, Industry, Tag):
            self.add(model.objects.create(name="shared"), SHARED)
        country, _created = Country.objects.get_or_create(
            code="NL", defaults={"name": "Netherlands"}
        )
        self.add(country, SHARED)
        self.add(self.department.crm_department, TECHNICAL)
        self.add(self.department, TECHNICAL)
        self.add(self.owner, TECHNICAL)

    @cached_property
    def token(self) -> str:
        return tokens.make(
            "unsubscribe",
            delivery_id=self.delivery.pk,
            address_key=self.delivery.address_key,
        )

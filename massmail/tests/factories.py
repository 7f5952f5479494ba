"""Objects for tests, each with no more than what makes it valid.

Ownership goes along: `DeliveryFactory(mailing__owner=anna)` gives Anna the message,
the account and the customer, too.
"""

from __future__ import annotations

import datetime as dt
import uuid

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from factory import LazyAttribute, SelfAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from massmail import models
from massmail.models.address import Address
from massmail.tests.hostapp.models import Customer, Member, Subscriber

NOW = dt.datetime(2027, 3, 10, 12, 0, tzinfo=dt.UTC)  # a Wednesday


class UserFactory(DjangoModelFactory):
    """A person who can log in to the admin, with the password "demo"."""

    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = Sequence("user{}".format)
    email = LazyAttribute(lambda user: f"{user.username}@staff.example.com")
    is_staff = True
    password = factory.django.Password("demo")


class SuperuserFactory(UserFactory):
    is_superuser = True


class GroupFactory(DjangoModelFactory):
    class Meta:
        model = Group

    name = Sequence("group {}".format)


class PersonFactory(DjangoModelFactory):
    class Meta:
        abstract = True

    owner = SubFactory(UserFactory)
    name = Sequence("Person {}".format)
    email = Sequence("person{}@example.com".format)
    city = "Utrecht"


class CustomerFactory(PersonFactory):
    class Meta:
        model = Customer


class SubscriberFactory(PersonFactory):
    class Meta:
        model = Subscriber


class MemberFactory(PersonFactory):
    class Meta:
        model = Member

    code = Sequence("member-{}".format)


class EmailAccountFactory(DjangoModelFactory):
    """An account for mass mail on loopback, without gaps or limits of its own."""

    class Meta:
        model = models.EmailAccount

    owner = SubFactory(UserFactory)
    name = Sequence("account {}".format)
    from_email = Sequence("sender{}@example.com".format)
    from_name = "Anna Sender"
    email_host = "127.0.0.1"
    email_port = 2525
    security = models.EmailAccount.Security.NONE
    auth = models.EmailAccount.NO_AUTH
    min_gap_seconds = 0.0
    max_gap_seconds = 0.0
    per_day = 1_000_000


class MainAccountFactory(EmailAccountFactory):
    is_main = True
    for_massmail = False


class SignatureFactory(DjangoModelFactory):
    class Meta:
        model = models.Signature

    owner = SubFactory(UserFactory)
    name = Sequence("signature {}".format)
    content = "Anna Sender\nExample Ltd"


class EmlMessageFactory(DjangoModelFactory):
    """A message that passes preflight."""

    class Meta:
        model = models.EmlMessage

    owner = SubFactory(UserFactory)
    subject = "News for {{ first_name|default:'you' }}"
    content = (
        "<p>Hello {{ first_name|default:'there' }},</p><p>Spring is here.</p>"
        '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
    )


class LibraryImageFactory(DjangoModelFactory):
    class Meta:
        model = models.LibraryImage

    owner = SubFactory(UserFactory)
    tag = Sequence("picture_{}".format)
    filename = "picture.png"
    file = factory.django.ImageField(width=4, height=4, format="PNG")
    mime_type = "image/png"
    width = 4
    height = 4


class AttachmentFactory(DjangoModelFactory):
    class Meta:
        model = models.Attachment

    message = SubFactory(EmlMessageFactory)
    file = factory.django.FileField(data=b"prices")
    filename = "prices.txt"
    mime_type = "text/plain"


class MessageVersionFactory(DjangoModelFactory):
    """What `message` says now, frozen."""

    class Meta:
        model = models.MessageVersion

    message = SubFactory(EmlMessageFactory)
    subject = SelfAttribute("message.subject")
    content = SelfAttribute("message.content")
    text = SelfAttribute("message.text")


class TargetListFactory(DjangoModelFactory):
    class Meta:
        model = models.TargetList

    owner = SubFactory(UserFactory)
    name = Sequence("list {}".format)
    public_name = Sequence("Letter {}".format)


class TargetListMemberFactory(DjangoModelFactory):
    """`recipient` in a list."""

    class Meta:
        model = models.TargetListMember
        exclude = ("recipient",)

    target_list = SubFactory(TargetListFactory)
    recipient = SubFactory(CustomerFactory)
    content_type = LazyAttribute(
        lambda row: ContentType.objects.get_for_model(row.recipient)
    )
    object_id = LazyAttribute(lambda row: str(row.recipient.pk))


class MailingOutFactory(DjangoModelFactory):
    """A draft to customers; `launched=True` makes it an active one."""

    class Meta:
        model = models.MailingOut

    class Params:
        launched = factory.Trait(
            status=models.MailingOut.Status.ACTIVE,
            launched_at=NOW,
            version=SubFactory(
                MessageVersionFactory, message=SelfAttribute("..message")
            ),
        )

    owner = SubFactory(UserFactory)
    name = Sequence("mailing {}".format)
    message = SubFactory(EmlMessageFactory, owner=SelfAttribute("..owner"))
    content_type = LazyAttribute(
        lambda _mailing: ContentType.objects.get_for_model(Customer)
    )
    prepared_at = NOW


class DeliveryFactory(DjangoModelFactory):
    """A waiting row for `recipient`, by default a customer of the mailing's owner.

    `status` alone is enough for leased and skipped rows, too: what the constraints
    want with it is filled in.
    """

    class Meta:
        model = models.Delivery
        exclude = ("recipient",)

    mailing = SubFactory(MailingOutFactory, launched=True)
    recipient = SubFactory(CustomerFactory, owner=SelfAttribute("..mailing.owner"))
    email_account = SubFactory(
        EmailAccountFactory, owner=SelfAttribute("..mailing.owner")
    )
    version = SelfAttribute("mailing.version")
    content_type = LazyAttribute(
        lambda row: ContentType.objects.get_for_model(row.recipient)
    )
    object_id = LazyAttribute(lambda row: str(row.recipient.pk))
    name = SelfAttribute("recipient.name")
    address = SelfAttribute("recipient.email")
    address_key = LazyAttribute(lambda row: Address.parse(row.address).key)
    address_domain = LazyAttribute(lambda row: Address.parse(row.address).domain)
    status = models.Delivery.Status.QUEUED
    reason = LazyAttribute(
        lambda row: (
            models.Delivery.SkipReason.EXCLUDED if row.status == "skipped" else ""
        )
    )
    claim_token = LazyAttribute(
        lambda row: uuid.uuid4() if row.status in ("claimed", "sending") else None
    )
    lease_until = LazyAttribute(
        lambda row: NOW + dt.timedelta(minutes=2) if row.claim_token else None
    )
    queued_at = NOW
    not_before = NOW


class MassContactFactory(DjangoModelFactory):
    """The mailing identity of `recipient`."""

    class Meta:
        model = models.MassContact
        exclude = ("recipient",)

    recipient = SubFactory(CustomerFactory)
    content_type = LazyAttribute(
        lambda row: ContentType.objects.get_for_model(row.recipient)
    )
    object_id = LazyAttribute(lambda row: str(row.recipient.pk))


class SendAttemptFactory(DjangoModelFactory):
    class Meta:
        model = models.SendAttempt

    delivery = SubFactory(DeliveryFactory)
    email_account = SelfAttribute("delivery.email_account")
    token = factory.LazyFunction(uuid.uuid4)
    occurred_at = NOW
    outcome = models.SendAttempt.Outcome.SENT


class DeliveryEventFactory(DjangoModelFactory):
    class Meta:
        model = models.DeliveryEvent

    delivery = SubFactory(DeliveryFactory)
    kind = models.DeliveryEvent.Kind.CLICKED
    occurred_at = NOW
    source_key = Sequence("test:{}".format)


class AlertFactory(DjangoModelFactory):
    class Meta:
        model = models.Alert

    recipient = SubFactory(UserFactory)
    cause = Sequence("cause:{}".format)
    text = "The account was stopped."
    raised_at = NOW


class SuppressedAddressFactory(DjangoModelFactory):
    class Meta:
        model = models.SuppressedAddress

    address = Sequence("gone{}@example.com".format)
    address_key = LazyAttribute(
        lambda row: Address.parse(row.address).key if row.address else ""
    )

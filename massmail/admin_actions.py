"""Actions for the lists of a host's recipients: choose whom to mail, mark VIPs."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.site.odd_input import ToleratesOddInput
from massmail.audience.vips import addressable, set_vip
from massmail.models import EmailAccount
from massmail.permissions import main_account
from massmail.recipients.registry import offers_recipients
from massmail.site.create_mailing import create_mailing_page
from massmail.site.fill_lists import add_page, foreign_text, remove_page
from massmail.site.links import add_url_if_allowed


@admin.action(
    permissions=["mail"],
    description=gettext_lazy(
        "Create a mailing for the selected %(verbose_name_plural)s"
    ),
)
def create_mailing(
    model_admin: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet
) -> HttpResponse | None:
    """First a page that asks for name and message, then the mailing."""
    return create_mailing_page(model_admin, request, queryset)


@admin.action(permissions=["mail"], description=gettext_lazy("Mark as VIP"))
def mark_as_vip(
    model_admin: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet
) -> None:
    tell_of_vips(model_admin, request, queryset, is_vip=True)
    if not EmailAccount.objects.filter(main_account(request.user.pk)).exists():
        text = _("VIPs are mailed from your main account alone; you have none yet.")
        url = add_url_if_allowed(model_admin.admin_site, request, EmailAccount)
        link = format_html(' <a href="{}">{}</a>', url, _("Add one")) if url else ""
        messages.warning(request, format_html("{}{}", text, link))


@admin.action(permissions=["mail"], description=gettext_lazy("Remove VIP"))
def remove_vip(
    model_admin: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet
) -> None:
    tell_of_vips(model_admin, request, queryset, is_vip=False)


def tell_of_vips(
    model_admin: admin.ModelAdmin,
    request: HttpRequest,
    queryset: QuerySet,
    *,
    is_vip: bool,
) -> None:
    """Do it, and say what became of each of the selected."""
    chosen, mine = queryset.count(), addressable(request.user, queryset).count()
    changed = set_vip(request.user, queryset, is_vip=is_vip)
    text = [marked_text(changed) if is_vip else removed_text(changed)]
    if same := mine - changed:
        text.append(already_vip_text(same) if is_vip else no_vip_text(same))
    if foreign := chosen - mine:
        text.append(foreign_text(foreign))
    level = messages.SUCCESS if changed else messages.WARNING
    model_admin.message_user(request, " ".join(text), level)


def marked_text(count: int) -> str:
    text = ngettext(
        "%(count)d was marked as VIP.", "%(count)d were marked as VIPs.", count
    )
    return text % {"count": count}


def removed_text(count: int) -> str:
    text = ngettext(
        "%(count)d is no VIP any more.", "%(count)d are no VIPs any more.", count
    )
    return text % {"count": count}


def already_vip_text(count: int) -> str:
    text = ngettext("%(count)d was one already.", "%(count)d were VIPs already.", count)
    return text % {"count": count}


def no_vip_text(count: int) -> str:
    return ngettext("%(count)d was none.", "%(count)d were none.", count) % {
        "count": count
    }


@admin.action(
    permissions=["keep_lists"], description=gettext_lazy("Add to a target list")
)
def add_to_target_list(
    model_admin: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet
) -> HttpResponse | None:
    return add_page(model_admin, request, queryset)


@admin.action(
    permissions=["keep_lists"], description=gettext_lazy("Remove from a target list")
)
def remove_from_target_list(
    model_admin: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet
) -> HttpResponse | None:
    return remove_page(model_admin, request, queryset)


class MailingActions(ToleratesOddInput):
    """Mixin for the admin of a model that is registered as a kind of recipient."""

    actions = [
        create_mailing,
        mark_as_vip,
        remove_vip,
        add_to_target_list,
        remove_from_target_list,
    ]

    def has_mail_permission(self, request: HttpRequest) -> bool:
        """Who may make mailings of these records at all."""
        return offers_recipients(self.model) and bool(
            request.user.has_perm("massmail.add_mailingout")
        )

    def has_keep_lists_permission(self, request: HttpRequest) -> bool:
        """Who may put these records on target lists, and take them off."""
        return offers_recipients(self.model) and bool(
            request.user.has_perm("massmail.change_targetlist")
        )

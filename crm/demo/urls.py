"""Pages of the demo; development settings alone serve them."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from crm.demo import views

staff = admin.site.admin_view

app_name = "demo"
urlpatterns = [
    path("catcher/", staff(views.mail_list), name="mail_list"),
    path("catcher/<int:number>/", staff(views.mail_detail), name="mail"),
    path("catcher/<int:number>/frame/", staff(views.mail_frame), name="mail_frame"),
    path("catcher/<int:number>/source/", staff(views.mail_source), name="mail_source"),
    path("company/", views.company_page, name="company"),
]

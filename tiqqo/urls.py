"""Every route. Audiences are separate at the edge: dashboard, door, public shop."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from accounts import platform_views, security_views
from accounts import views as accounts
from orders.views import front, webhooks
from people import views as people
from tiqqo import crawlers, media, operations_views, styleguide_documents

urlpatterns = [
    path("healthz", operations_views.healthz),
    path("readyz", operations_views.readyz),
    path("robots.txt", crawlers.robots),
    path(".well-known/security.txt", crawlers.security),
    path("status/", operations_views.status_page, name="status"),
    path("platform/security/", security_views.platform, name="platform_security"),
    path("", include("tiqqo.ui.urls")),
    path("styleguide/papers/", styleguide_documents.papers, name="styleguide_papers"),
    path("styleguide/mails/<slug:name>/", styleguide_documents.mail, name="styleguide_mail"),
    path(
        "styleguide/documents/<slug:name>.pdf",
        styleguide_documents.document,
        name="styleguide_document",
    ),
    path("", front.front, name="front"),
    path("home/", accounts.home, name="home"),
    path("welcome/", accounts.welcome, name="welcome"),
    path("platform/organisers/", platform_views.organisers, name="platform_organisers"),
    path(
        "platform/organisers/<slug:slug>/release/", platform_views.release, name="platform_release"
    ),
    path(
        "platform/organisers/<slug:slug>/withdrawal/",
        platform_views.withdrawal,
        name="platform_withdrawal",
    ),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("webhooks/stripe/", webhooks.stripe, name="stripe_webhook"),
    path("media/public/<path:name>", media.public_file, name="media"),
    # Organiser dashboard
    path("o/<slug:organiser_slug>/", include("accounts.urls")),
    path("o/<slug:organiser_slug>/events/", include("events.urls")),
    path("o/<slug:organiser_slug>/", include("reports.urls")),
    path("o/<slug:organiser_slug>/events/<slug:event_slug>/tickets/", include("ticketing.urls")),
    path("o/<slug:organiser_slug>/events/<slug:event_slug>/", include("orders.urls")),
    # Door
    path("door/", include("checkin.urls")),
    # Public
    path("<slug:organiser_slug>/invitations/<str:secret>/", accounts.invitation, name="invitation"),
    path("<slug:organiser_slug>/privacy/", people.privacy, name="privacy"),
    path("<slug:organiser_slug>/terms/", people.terms, name="terms"),
    path("<slug:organiser_slug>/consent/<str:token>/", people.consent, name="consent"),
    path("<slug:organiser_slug>/", front.organiser, name="organiser"),
    path("<slug:organiser_slug>/<slug:event_slug>/", include("orders.shop_urls")),
]
if settings.MAIL_VIEWER:
    from tiqqo import mail_viewer

    urlpatterns.insert(0, path("dev/mail/", mail_viewer.mails, name="mails"))
    urlpatterns.insert(
        1, path("dev/mail/<str:name>/<int:part>/", mail_viewer.part, name="mail_part")
    )
    urlpatterns.insert(1, path("dev/mail/<str:name>/", mail_viewer.mail, name="mail"))

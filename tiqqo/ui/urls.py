from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from tiqqo.ui import views
from tiqqo.ui.styleguide import views as styleguide

app_name = "ui"

urlpatterns = [
    path("ui/tiqqo-<slug:digest>.css", views.stylesheet, name="stylesheet"),
    path("ui/theme-<str:accent>.css", views.theme, name="theme"),
    path("ui/poster-<str:seed>-<str:accent>.svg", views.poster, name="poster"),
    # Exempt from the CSRF check, so that a page with the switch needs no cookie of its own.
    path("ui/language/", csrf_exempt(require_POST(set_language)), name="language"),
    path("ui/worker.js", views.worker, name="worker"),
    path("ui/offline/", views.offline, name="offline"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("styleguide/errors/<str:name>/", styleguide.error_page, name="error"),
    path("styleguide/segment/", styleguide.segment, name="segment"),
    path("styleguide/orders/", styleguide.orders, name="orders"),
]

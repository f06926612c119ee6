from django.urls import path

from tiqqo.ui import views

app_name = "ui"

urlpatterns = [
    path("ui/tiqqo-<slug:digest>.css", views.stylesheet, name="stylesheet"),
    path("ui/theme-<str:accent>.css", views.theme, name="theme"),
    path("ui/poster-<str:seed>-<str:accent>.svg", views.poster, name="poster"),
    path("styleguide/", views.styleguide, name="styleguide"),
]

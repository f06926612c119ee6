"""Home and overview, below `/o/<organiser>/`."""

from django.urls import path

from reports import views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("events/<slug:event>/", views.overview, name="overview"),
]

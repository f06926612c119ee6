"""Home, overview and reports, below `/o/<organiser>/`."""

from django.urls import path

from reports import views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("reports/", views.reports, name="reports"),
    path("events/<slug:event_slug>/", views.overview, name="overview"),
    path("events/<slug:event_slug>/reports/", views.event_reports, name="event_reports"),
]

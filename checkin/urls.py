"""The door, below `/door/`."""

from django.urls import path

from checkin import views

app_name = "door"
urlpatterns = [
    path("", views.home, name="home"),
    path("<slug:organiser_slug>/<slug:event_slug>/", views.scan, name="scan"),
    path("<slug:organiser_slug>/<slug:event_slug>/live/", views.live, name="live"),
    path(
        "<slug:organiser_slug>/<slug:event_slug>/admissions/", views.admissions, name="admissions"
    ),
    path(
        "<slug:organiser_slug>/<slug:event_slug>/admissions/<int:admission_id>/undo/",
        views.undo,
        name="undo",
    ),
]

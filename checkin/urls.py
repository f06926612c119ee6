"""The door, below `/door/`."""

from django.urls import path

from checkin import views

app_name = "door"
urlpatterns = [
    path("", views.home, name="home"),
    path("<slug:organiser>/<slug:event>/", views.scan, name="scan"),
    path("<slug:organiser>/<slug:event>/live/", views.live, name="live"),
    path("<slug:organiser>/<slug:event>/admissions/", views.admissions, name="admissions"),
    path(
        "<slug:organiser>/<slug:event>/admissions/<int:admission_id>/undo/",
        views.undo,
        name="undo",
    ),
]

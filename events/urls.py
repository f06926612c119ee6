"""Events in the dashboard, below `/o/<organiser>/events/`."""

from django.urls import path

from events import views

app_name = "events"
urlpatterns = [
    path("", views.event_list, name="list"),
    path("new/", views.new_event, name="new"),
    path("first/", views.first_event, name="first"),
    path("<slug:event_slug>/setup/", views.setup, name="setup"),
    path("<slug:event_slug>/publication/", views.publication, name="publication"),
    path("<slug:event_slug>/pause/", views.pause, name="pause"),
    path("<slug:event_slug>/resumption/", views.resumption, name="resumption"),
]

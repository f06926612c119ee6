"""Tickets of an event, below `/o/<organiser>/events/<event>/tickets/`."""

from django.urls import path

from ticketing.views import tickets as views

app_name = "ticketing"
urlpatterns = [
    path("", views.tickets, name="tickets"),
    path("inventory/", views.inventory, name="inventory"),
    path("capacity/", views.capacity, name="capacity"),
    path("new/", views.new_type, name="new_type"),
    path("types/<str:ticket_type>/", views.ticket_type, name="type"),
    path("types/<str:ticket_type>/releases/new/", views.new_release, name="new_release"),
    path("releases/<str:release>/", views.release, name="release"),
    path(
        "releases/<str:release>/publication/",
        views.release_publication,
        name="release_publication",
    ),
    path("releases/<str:release>/withdrawal/", views.release_withdrawal, name="release_withdrawal"),
    path("releases/<str:release>/deletion/", views.release_deletion, name="release_deletion"),
]

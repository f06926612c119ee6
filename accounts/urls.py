"""Team and settings of an organiser, below `/o/<organiser>/`."""

from django.urls import path

from accounts import security_views, views

app_name = "accounts"
urlpatterns = [
    path("settings/", views.settings, name="settings"),
    path("security/", security_views.security, name="security"),
    path("team/", views.team, name="team"),
    path("team/<int:membership_id>/", views.membership, name="membership"),
    path("team/<int:membership_id>/removal/", views.membership_removal, name="membership_removal"),
    path(
        "team/invitations/<int:invitation_id>/revocation/",
        views.invitation_revocation,
        name="invitation_revocation",
    ),
]

"""What platform staff sees of accounts in the support tool, see `support_site`."""

from django.contrib import admin

from accounts.models import Organiser, User


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("email", "name", "is_staff", "is_active", "date_joined")
    search_fields = ("email", "name")
    exclude = ("user_permissions", "groups")


@admin.register(Organiser)
class OrganiserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "slug", "country", "currency", "created_at")
    search_fields = ("name", "slug")

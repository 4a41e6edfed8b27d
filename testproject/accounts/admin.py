from django.contrib import admin

from testproject.accounts.models import MembershipCard


@admin.register(MembershipCard)
class MembershipCardAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("number", "member")
    fields = ("number", "member")

from django.contrib import admin

from testproject.orders.models import Order


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "book", "customer", "placed_at", "is_paid")
    list_select_related = ("book",)

from django.contrib import admin

from testproject.catalogue.models import Book, Supplier


@admin.register(Book)
class BookAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("title", "author", "price", "copies")
    search_fields = ("title", "author")


admin.site.register(Supplier)

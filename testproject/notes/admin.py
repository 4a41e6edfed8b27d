from django.contrib import admin

from testproject.notes.models import Note, Rating

admin.site.register([Note, Rating])

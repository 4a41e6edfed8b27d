"""Many books by a serializer of Django REST framework, in an asynchronous view of adrf."""

import asyncio

from adrf.views import APIView
from django.http import JsonResponse
from rest_framework import serializers

BOOKS = [{"title": f"Book {number}", "price": number * 1.5, "pages": number} for number in range(30_000)]


class BookSerializer(serializers.Serializer):
    title = serializers.CharField()
    price = serializers.FloatField()
    pages = serializers.IntegerField()


class Books(APIView):
    async def get(self, request):
        books = BookSerializer(BOOKS, many=True)
        return JsonResponse(books.data, safe=False)  # blocks


class BooksInThread(APIView):
    async def get(self, request):
        books = BookSerializer(BOOKS, many=True)
        return JsonResponse(await asyncio.to_thread(lambda: books.data), safe=False)

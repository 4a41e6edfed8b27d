"""Books with many prices each by a serializer of Django REST framework, in an asynchronous view of adrf."""

import asyncio

from adrf.views import APIView
from django.http import JsonResponse
from rest_framework import serializers

# Few objects for the garbage collector, and a short answer: otherwise collecting or encoding might take as long.
BOOKS = [{"title": f"Book {number}", "prices": [number * 0.5] * 80} for number in range(1_000)]


class BookSerializer(serializers.Serializer):
    title = serializers.CharField()
    prices = serializers.ListField(child=serializers.DecimalField(max_digits=9, decimal_places=2))


class Books(APIView):
    async def get(self, request):
        books = BookSerializer(BOOKS, many=True)
        return JsonResponse({"books": len(books.data)})  # blocks


class BooksInThread(APIView):
    async def get(self, request):
        books = BookSerializer(BOOKS, many=True)
        return JsonResponse({"books": len(await asyncio.to_thread(lambda: books.data))})

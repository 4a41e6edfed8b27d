"""Covers of books in a bucket."""

import asyncio

import boto3
from botocore.config import Config
from django.conf import settings
from django.http import HttpResponse

storage = boto3.client(
    "s3",
    endpoint_url=settings.UPSTREAM_URL,
    region_name="eu-central-1",
    aws_access_key_id="tests",
    aws_secret_access_key="only",
    config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
)


def store():
    storage.put_object(Bucket="covers", Key="1.png", Body=b"a cover")  # blocks


async def mistake(request):
    store()
    return HttpResponse("stored")


async def fixed(request):
    await asyncio.to_thread(store)
    return HttpResponse("stored")

"""Ordinary code of a site. It is never run: stacks are built from its code objects."""

import functools
import json
import time


async def checkout(cart):
    total = add_up(cart)
    time.sleep(total)
    return json.dumps(total)


async def restock():
    pass


async def audited(get_response):
    return await get_response()


async def fetched(client):
    return await client.get()


async def asked(ask):
    return await ask()


async def of_class(self):
    return await self.get_response()


async def of_client(client):
    return await client.get_response()


def add_up(cart):
    prices = sum(price(item) for item in cart)
    return max(cart, key=lambda item: item.weight) + prices


def price(item):
    total = 0
    while item.parts:
        total += item.parts.pop()
    return total


def load_models():
    import sqlite3

    return sqlite3.connect("shop.db")


decorated = functools.wraps(price)(functools.partial(price))
borrowed = json.dumps


class Cart:
    def __init__(self):
        self.items = []

    def size(self):
        return len(self.items)


class Basket(Cart):
    def weight(self):
        return sum(item.weight for item in self.items)

from tests.advice.examples.books import books

__all__ = ["books"]

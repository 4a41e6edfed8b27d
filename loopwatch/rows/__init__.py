"""Reads the JSON columns of rows; no other code interprets them.

A store may be shared, restored, edited by hand or written by another version, so its content is not trusted. Readers
never raise. They skip what they cannot read, numbers outside their limits included, and say whether they skipped any.
"""

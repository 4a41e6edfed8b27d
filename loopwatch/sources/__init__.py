"""Decides which lines of source files are stored and shown, for the recorder, the admin and the tests.

Files that settings are read from are withheld completely (``withheld``). A file name in a row is data: the file is
shown only while the line that was stored is still in its place (``stored``).
"""

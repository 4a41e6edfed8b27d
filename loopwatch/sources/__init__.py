"""Decides which source lines are stored and shown, for the recorder, the admin and the test tools.

Settings files are withheld completely (``withheld``). A file that is named in a row is shown only while its stored line
is unchanged (``stored``).
"""

"""Which lines of source files may be stored or shown: decided here, for the recorder, the admin and the tests.

Code is shown, secrets are not. The files that settings are read from are withheld altogether (``withheld``). What rows
say of files is data, and followed only to the very line that was stored (``stored``).
"""

"""The catalogue as a matrix: every case, watched by loopwatch and by the other tools of the field.

``tools.py`` starts each tool as its documentation says, ``comparison.py`` says what its reports are worth,
``one_tool.py`` runs in a process of its own for each, and ``__main__.py`` is the command.
"""

"""Names are data: of functions, files, routes, releases, they may hold anything. One module for each target of text.

What a format needs that nothing else does is with the format: HTML is escaped by templates, Markdown in
``reporting.as_markdown``, GitHub's commands in ``reporting.as_github``, headers in ``server_timing``.
"""

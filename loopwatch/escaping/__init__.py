"""Escapes names for the places they are printed in, one module for each target.

Names of functions, files, routes and releases may contain anything. Escaping that a single format needs stays with
that format: HTML is escaped by templates, Markdown in ``reporting.as_markdown``, GitHub's commands in
``reporting.as_github``, response headers in ``request_tracing.server_timing``.
"""

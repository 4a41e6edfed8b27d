"""Puts durations and findings into words, in the same way for the admin, the report and the test tools."""

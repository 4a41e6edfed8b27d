"""What rows hold as JSON, read as if anybody had written it: the one place that does.

A store may be shared, restored, edited by hand or written by another version. Nothing here raises; what cannot be read
is left out, numbers are kept within their limits, and whoever shows the rest can say that it is not all.
"""

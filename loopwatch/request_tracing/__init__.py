"""Traces single requests: those that carry a valid token, and the share of the others that ``TRACE_RATE`` selects.

A request with a token is answered with figures (``Server-Timing``), and its calls are logged. Stalls that reach the
site's threshold are recorded as always; shorter ones appear in the answer and the log alone, so that the counts of
findings stay comparable. A request that was selected at random is explained more exactly, and its answer is unchanged.
"""

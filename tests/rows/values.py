"""Generates values that JSON columns may contain."""

import math

from hypothesis import strategies as st

numbers = st.integers() | st.floats() | st.sampled_from([1e308, math.inf, math.nan, 10**400, -1, 2**53 + 1])
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)

"""Statistics on plain arrays: no runs, no store, no clock. Needs numpy, and nothing else does.

Whoever stands above imports these modules inside functions, so that a comparison of two
single values never loads numpy. Degenerate input (one sample, constants, zeros, NaN,
infinities) has a defined answer in every function, and none of them warns.
"""

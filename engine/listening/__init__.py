"""What arrives at a port, for a user who wonders whether anything does.

reading  packets decoded by protocol
tally    counts, rates, gaps, the latest values; what to check when nothing arrives
"""

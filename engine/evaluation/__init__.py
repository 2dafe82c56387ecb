"""The measures and benchmarks behind `flowface bench`."""

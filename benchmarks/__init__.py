"""Time and size beside what a user would take instead: `python -m benchmarks [name ...]`.

Every figure of speed is a ratio within one run, the median over rounds in which the candidates take turns, since the
machines are shared and noisy. Nothing here is a test: a slow machine fails no build.
"""

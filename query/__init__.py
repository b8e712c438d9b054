"""The read path: a family of endpoints a file, found in ``app``; ``reader`` is what all of them read with.

``curves`` and ``logs`` read what dashboards ask most, ``registry`` the tables around them; ``memory`` spares what was
read before.
"""

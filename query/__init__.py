"""The read path: endpoints by family (``curves``, ``logs``, ``media``, ``live``, ``registry``, and single files).

``app`` merges them, ``context`` is what all of them are given, ``cache`` holds what was read before.
"""

"""One module a revision: ``rNNNN_what.py``, whose ``down_revision`` is the one before."""

"""Curves as charts draw them: from the point cache, from roll-ups or from rows, whichever is quickest."""

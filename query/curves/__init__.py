"""Curves as charts draw them: from memory, from roll-ups or from rows, whichever has them soonest."""

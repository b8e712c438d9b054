"""What others know of the libraries that are pinned: asked for by hand (`make audit`), as it needs their registry."""

"""Debug images and plots: pages, samples, and walks through their iterations."""

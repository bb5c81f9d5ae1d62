"""Robots: what is wanted of them and how they are, their processes on this machine, their own interface, their secrets and triggers."""

"""Settings and logging: read once, at the start of a program, and handed on."""

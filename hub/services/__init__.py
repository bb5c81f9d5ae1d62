"""What the hub answers: one module for each resource of the standard, one function for each operation, ``(call, params) -> dict``."""

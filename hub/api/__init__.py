"""HTTP: from a request to a call, and from its answer to the standard's envelope."""

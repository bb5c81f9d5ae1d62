"""National (GM) and international cryptography at rest, and the private keys of secrets on the wire (whose other half is plugins.crypto)."""

"""National (GM) and international cryptography behind small interfaces: SM2 and RSA for secrets on the wire, ciphers for secrets at rest."""

"""Asymmetric encryption of secrets on the wire: SM2 (GB/T 32918) and RSA-OAEP, told apart by the keys."""

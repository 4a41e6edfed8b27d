from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC


def stretch(secret: str, salt: bytes, rounds: int) -> bytes:
    """Derive a 32-byte key from ``secret``; the time it takes grows with ``rounds``."""
    kdf = PBKDF2HMAC(algorithm=hashes.SHA256(), length=32, salt=salt, iterations=rounds)
    return kdf.derive(secret.encode())

"""Writes weak_keys.json: tokens that verify under keys which must not be used.

Run once, by hand: `python3 weak_keys.py > weak_keys.json`. Needs the package `cryptography`.
The keys are made anew at each run and thrown away. Tokens are of the first second of 2026.
"""
import base64
import hashlib
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

NOW = 1767225600
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length=None):
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def message(alg, kid):
    header = {"typ": "at+jwt", "alg": alg, "kid": kid}
    claims = {
        "iss": "https://as.example.com",
        "aud": "https://mcp.example.com/mcp",
        "sub": "mallory",
        "client_id": "c1",
        "iat": NOW - 10,
        "exp": NOW + 600,
        "jti": kid,
        "scope": "mcp:tools.read",
    }
    return ".".join(b64(json.dumps(part).encode()) for part in (header, claims))


def rsa_jwk(kid, n, e, **more):
    return {"kty": "RSA", "kid": kid, "use": "sig", "n": number(n), "e": number(e), **more}


def rsa_honest(kid, bits, e, alg="RS256"):
    key = rsa.generate_private_key(public_exponent=e, key_size=bits)
    text = message(alg, kid)
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return rsa_jwk(kid, key.public_key().public_numbers().n, e), f"{text}.{b64(signature)}"


def modulus():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.public_key().public_numbers().n


def rsa_one():
    """With exponent 1 the padded hash is its own signature."""
    kid = "rsa-e1"
    text = message("RS256", kid)
    tail = DIGEST_INFO + hashlib.sha256(text.encode()).digest()
    padded = b"\x00\x01" + b"\xff" * (256 - 3 - len(tail)) + b"\x00" + tail
    return rsa_jwk(kid, modulus(), 1), f"{text}.{b64(padded)}"


def rsa_three_forged():
    """Bleichenbacher 2006: a cube whose head is a short padding and the hash; the rest is garbage."""
    kid = "rsa-e3-forged"
    text = message("RS256", kid)
    head = b"\x00\x01" + b"\xff" * 8 + b"\x00" + DIGEST_INFO + hashlib.sha256(text.encode()).digest()
    least = int.from_bytes(head + b"\x00" * (256 - len(head)), "big")
    low, high = 0, 1 << 700
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**3 < least else (low, middle)
    assert (low**3).to_bytes(256, "big").startswith(head)
    return rsa_jwk(kid, modulus(), 3), f"{text}.{number(low, 256)}"


def ecdsa(kid, curve, name, **more):
    key = ec.generate_private_key(curve)
    text = message("ES256", kid)
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    point = key.public_key().public_numbers()
    jwk = {"kty": "EC", "kid": kid, "crv": name, "x": number(point.x, 32), "y": number(point.y, 32)}
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return {**jwk, **more}, f"{text}.{b64(signature)}"


CASES = {
    "good RSA": rsa_honest("rsa-2048", 2048, 65537),
    "good EC": ecdsa("p-256", ec.SECP256R1(), "P-256"),
    "RSA of 1024 bits": rsa_honest("rsa-1024", 1024, 65537),
    "RSA with exponent 3": rsa_honest("rsa-e3", 2048, 3),
    "RSA with exponent 1, forged": rsa_one(),
    "RSA with exponent 3, forged": rsa_three_forged(),
    "secp256k1": ecdsa("k-256", ec.SECP256K1(), "secp256k1", alg="ES256"),
    "secp256k1 without alg": ecdsa("k-256-bare", ec.SECP256K1(), "secp256k1"),
    "secp256k1 called P-256": ecdsa("k-256-liar", ec.SECP256K1(), "P-256"),
}
cases = [{"name": name, "jwk": jwk, "token": token} for name, (jwk, token) in CASES.items()]
print(json.dumps({"provenance": "written by weak_keys.py beside this file", "cases": cases}, indent=1))

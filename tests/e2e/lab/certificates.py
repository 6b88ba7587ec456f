"""A certificate authority of the laboratory, and one certificate for all its names."""

import base64
import hashlib
import subprocess

NAMES = ("news.test", "shop.test", "listed.test", "*.listed.test")


class Certificates:
    """`ca_file`, and `certificate` with its `key`, which hold for NAMES for two days."""

    def __init__(self, directory):
        self.ca_file = directory / "ca.pem"
        self.certificate = directory / "origin.pem"
        self.key = directory / "origin.key"
        subject = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        subprocess.run(["openssl", "req", "-x509", *subject, "-subj", "/CN=Weir e2e CA", "-keyout",
                        directory / "ca.key", "-out", self.ca_file], check=True, capture_output=True)
        names = ",".join(f"DNS:{name}" for name in NAMES)
        subprocess.run(["openssl", "req", "-x509", *subject, "-subj", "/CN=origin.test", "-CA", self.ca_file,
                        "-CAkey", directory / "ca.key", "-addext", f"subjectAltName={names}", "-addext",
                        "basicConstraints=critical,CA:FALSE", "-keyout", self.key, "-out",
                        self.certificate], check=True, capture_output=True)

    def public_key_hash(self):
        """SHA-256 of the certificate's SubjectPublicKeyInfo in base64: what browsers pin."""
        key = subprocess.run(["openssl", "pkey", "-in", self.key, "-pubout", "-outform", "DER"], check=True,
                             capture_output=True).stdout
        return base64.b64encode(hashlib.sha256(key).digest()).decode()

"""The environment of the tests: proxies and languages of the machine do not change what programs do and say."""

import os


def settle(environment=os.environ):
    """For this process and all that it starts."""
    for name in [name for name in environment if name.lower().endswith("_proxy")]:
        del environment[name]
    environment["LC_ALL"] = "C.UTF-8"

"""Words for the libraries that drivers go through, and for where these find credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def library(*packages: str) -> str:
    """Names and versions of packages: ``s3fs 2026.2.0 (botocore 1.40)``."""
    found = [f"{package} {_version(package)}" for package in packages]
    return found[0] + (f" ({', '.join(found[1:])})" if found[1:] else "")


def s3_credentials(options: Mapping[str, Any], method: str, *, anonymous: bool) -> str:
    """Where the keys of S3 come from, by what botocore calls it."""
    if anonymous:
        return "none (anonymous)"
    if any(options.get(name) for name in ("key", "username", "secret", "password")):
        return "access key (storage options)"
    known = {
        "env": "access key (environment)",
        "shared-credentials-file": "access key (~/.aws/credentials)",
        "config-file": "access key (~/.aws/config)",
        "iam-role": "role of this machine",
        "container-role": "role of this container",
        "assume-role": "assumed role",
        "assume-role-with-web-identity": "assumed role (web identity)",
        "sso": "single sign-on",
        "custom-process": "credential process",
        "login": "login of the AWS command line",
    }
    return known.get(method, method) or "none found"


def gcs_credentials(found: Any) -> str:
    """What gcsfs has logged in with."""
    if found.credentials is None:
        return "none (anonymous)"
    known = {
        "google_default": "Google's default login (gcloud, or GOOGLE_APPLICATION_CREDENTIALS)",
        "cache": "login kept by gcsfs",
        "cloud": "service account of this machine",
        "browser": "login by a browser",
    }
    return known.get(str(found.method), "token (storage options)")


def azure_credentials(credential: Any, service_url: str) -> str:
    """What Azure's client signs with, by its class."""
    if credential is None:
        return "shared access signature" if "?" in service_url else "none (anonymous)"
    name = type(credential).__name__
    if "SharedKey" in name:
        return "account key"
    if "Sas" in name:
        return "shared access signature"
    return f"login of Microsoft Entra ({name})"


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "(unknown version)"

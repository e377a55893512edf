"""The smallest access that a store in a bucket can be kept with, in its service's own words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from graven.backends.driver import About

S3 = "S3"
GCS = "Google Cloud Storage"
AZURE = "Azure Blob Storage"


@dataclass(frozen=True, slots=True)
class Policy:
    """What to give to whom.

    Attributes:
        title: what it is.
        text: to be pasted; words in capitals are to be filled in.
    """

    title: str
    text: str

    def to_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return {"title": self.title, "text": self.text}


def policy_for(about: About) -> Policy | None:
    """The policy for a bucket's folder; None for a service that has none of these."""
    makers = {S3: _s3, GCS: _gcs, AZURE: _azure}
    make = makers.get(about.service)
    return make(about.bucket, about.prefix) if make and about.bucket else None


def _s3(bucket: str, prefix: str) -> Policy:
    arn = f"arn:aws:s3:::{bucket}"
    listing: dict[str, Any] = {
        "Sid": "GravenNames",
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": arn,
    }
    if prefix:
        listing["Condition"] = {"StringLike": {"s3:prefix": f"{prefix}*"}}
    bodies = {
        "Sid": "GravenBodies",
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        "Resource": f"{arn}/{prefix}*",
    }
    document = {"Version": "2012-10-17", "Statement": [listing, bodies]}
    return Policy("IAM policy", json.dumps(document, indent=2))


def _gcs(bucket: str, prefix: str) -> Policy:
    lines = [
        "gcloud iam roles create gravenStore --project=PROJECT --permissions="
        "storage.objects.get,storage.objects.create,storage.objects.delete,storage.objects.list",
        f"gcloud storage buckets add-iam-policy-binding gs://{bucket} --member=MEMBER"
        " --role=projects/PROJECT/roles/gravenStore",
    ]
    if prefix:
        whose = f"projects/_/buckets/{bucket}/objects/{prefix}"
        expression = (
            f"resource.name.startsWith({json.dumps(whose)}) || api.getAttribute("
            f'"storage.googleapis.com/objectListPrefix", "").startsWith({json.dumps(prefix)})'
        )
        condition = json.dumps({"title": "graven", "expression": expression})
        lines[1] += " --condition-from-file=condition.json"
        lines.append(f"condition.json: {condition}")
    return Policy("custom role (or roles/storage.objectUser)", "\n".join(lines))


def _azure(container: str, prefix: str) -> Policy:
    del prefix  # neither roles nor signatures know of folders without a hierarchical namespace
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
    role = {
        "Name": "graven store",
        "Description": "read, write, delete and list the blobs of a container",
        "DataActions": [f"{blobs}/read", f"{blobs}/write", f"{blobs}/delete"],
        "AssignableScopes": ["/subscriptions/SUBSCRIPTION"],
    }
    scope = (
        "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.Storage"
        f"/storageAccounts/ACCOUNT/blobServices/default/containers/{container}"
    )
    lines = [
        json.dumps(role, indent=2),
        f'az role assignment create --assignee WHO --role "graven store" --scope {scope}',
        f"az storage container generate-sas --account-name ACCOUNT --name {container}"
        " --permissions rcwdl --expiry DAY --https-only",
    ]
    return Policy(
        'custom role (or "Storage Blob Data Contributor"), or a shared access signature',
        "\n".join(lines),
    )

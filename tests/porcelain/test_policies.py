"""The access policies name the bucket and the folder that are meant, and no more."""

import json

import pytest

from graven.backends.driver import About
from graven.porcelain.policies import AZURE, GCS, S3, policy_for


def s3(prefix):
    return json.loads(policy_for(About(S3, bucket="team-bench", prefix=prefix)).text)


def test_s3_gets_four_actions_on_the_folder_alone():
    names, bodies = s3("project/x/")["Statement"]
    assert names["Action"] == "s3:ListBucket"
    assert names["Resource"] == "arn:aws:s3:::team-bench"
    assert names["Condition"] == {"StringLike": {"s3:prefix": "project/x/*"}}
    assert bodies["Action"] == ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    assert bodies["Resource"] == "arn:aws:s3:::team-bench/project/x/*"


def test_s3_needs_no_condition_on_a_bucket_of_its_own():
    names, bodies = s3("")["Statement"]
    assert "Condition" not in names
    assert bodies["Resource"] == "arn:aws:s3:::team-bench/*"


def test_gcs_gets_a_role_and_a_condition_for_the_folder():
    text = policy_for(About(GCS, bucket="team-bench", prefix="project/")).text
    role, binding, condition = text.splitlines()
    assert role.count("storage.objects.") == 4
    assert "gs://team-bench" in binding
    expression = json.loads(condition.partition(": ")[2])["expression"]
    assert '"projects/_/buckets/team-bench/objects/project/"' in expression
    assert 'objectListPrefix", "").startsWith("project/")' in expression
    assert "condition" not in policy_for(About(GCS, bucket="team-bench")).text


def test_azure_gets_a_role_or_a_signature_for_the_container():
    text = policy_for(About(AZURE, bucket="bench", prefix="project/")).text
    role, _ = json.JSONDecoder().raw_decode(text)
    assert [action.rpartition("/")[2] for action in role["DataActions"]] == [
        "read",
        "write",
        "delete",
    ]
    assert "/containers/bench\n" in text
    assert "--permissions rcwdl" in text


@pytest.mark.parametrize("service", ["folder", "memory", "archive", "sftp (fsspec)", S3])
def test_what_is_no_bucket_needs_none(service):
    assert policy_for(About(service)) is None

"""Signatures are those of AWS's own examples, and those that its SDK would make."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import botocore.auth
import pytest
from botocore.config import Config
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from poutama.settings import Settings
from poutama.store.object_keys import content_disposition
from poutama.store.s3 import S3Store
from poutama.store.sigv4 import Credentials, Signer

PERSON = UUID(int=7)
NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
REGION = "ap-southeast-2"
KEY = "0b9f/evidence/Zm9v_-YmFy.thumb"


def test_an_address_is_signed_as_in_the_example_of_aws() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html"""
    example = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

    address = Signer(example, "us-east-1").sign_address(
        "https://examplebucket.s3.amazonaws.com/test.txt",
        {},
        now=datetime(2013, 5, 24, tzinfo=UTC),
        seconds=86400,
    )

    signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    assert parse_qs(urlsplit(address).query)["X-Amz-Signature"] == [signature]


def test_a_policy_is_signed_as_in_the_example_of_aws() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html"""
    example = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    policy = (
        "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAg"
        "ICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAi"
        "dXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25f"
        "cmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxf"
        "dXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQog"
        "ICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRl"
        "LWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAi"
        "Il0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMt"
        "ZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEy"
        "NTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9"
    )
    signature = "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"

    signer = Signer(example, "us-east-1")
    assert signer._sign(policy, datetime(2015, 12, 29, tzinfo=UTC)) == signature


def sdk_client(token: str, style: Any, endpoint: str | None = None) -> Any:
    session = get_session()
    session.set_credentials("AKIDEXAMPLE", "secret/+", token or None)
    config = Config(signature_version="s3v4", s3={"addressing_style": style})
    return session.create_client("s3", region_name=REGION, config=config, endpoint_url=endpoint)


def our_store(bucket: str, token: str, endpoint: str = "") -> S3Store:
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret/+",
        "AWS_SESSION_TOKEN": token,
    }
    settings = Settings(store_bucket=bucket, aws_region=REGION, aws_endpoint=endpoint)
    return S3Store(settings, environment, clock=NOW.timestamp)


def name_person(request: Any, **_: object) -> None:
    request.url += f"&x-person={PERSON}"


@pytest.mark.parametrize("token", ["", "temporary+/=="])
@pytest.mark.parametrize(
    ("bucket", "style", "endpoint"),
    [
        ("b-ucket", "virtual", None),
        ("b.uck.et", "path", None),
        ("b-ucket", "path", "http://127.0.0.1:9000"),
    ],
)
def test_addresses_are_those_of_the_sdk(
    bucket: str, style: str, endpoint: str | None, token: str
) -> None:
    client = sdk_client(token, style, endpoint)
    # The SDK has no argument for a parameter that S3 only logs.
    client.meta.events.register("before-sign.s3.GetObject", name_person)

    @given(st.text(st.characters(codec="utf-8"), min_size=1), st.sampled_from(["a/b", "é;+ x", ""]))
    def agree(name: str, media_type: str) -> None:
        asked = {
            "Bucket": bucket,
            "Key": KEY,
            "ResponseContentDisposition": content_disposition(name, inline=False),
            "ResponseContentType": media_type,
        }
        with patch.object(botocore.auth, "get_current_datetime", lambda: NOW):
            theirs = client.generate_presigned_url("get_object", Params=asked, ExpiresIn=300)
        ours = our_store(bucket, token, endpoint or "").sign_download(
            KEY, person=PERSON, name=name, media_type=media_type, seconds=300
        )

        assert urlsplit(ours)[:3] == urlsplit(theirs)[:3]
        assert parse_qs(urlsplit(ours).query) == parse_qs(urlsplit(theirs).query)

    agree()


@pytest.mark.parametrize("token", ["", "temporary+/=="])
def test_forms_are_signed_as_by_the_sdk_and_say_what_s3_is_to_hold(token: str) -> None:
    form = our_store("b-ucket", token).sign_upload(
        KEY, media_type="image/png", size=1234, sha256="ab" * 32, seconds=900
    )

    fields = dict(form.fields)
    policy = json.loads(b64decode(fields["policy"]))
    assert form.url == "https://b-ucket.s3.ap-southeast-2.amazonaws.com/"
    assert policy["expiration"] == "2026-02-03T04:20:06.000Z"
    held = {"bucket": "b-ucket"}
    ranges = []
    for condition in policy["conditions"]:
        held.update(condition) if isinstance(condition, dict) else ranges.append(condition)
    assert ranges == [["content-length-range", 1234, 1234]]
    assert held == {
        "bucket": "b-ucket",
        "key": KEY,
        "Content-Type": "image/png",
        "x-amz-checksum-algorithm": "SHA256",
        "x-amz-checksum-sha256": "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=",
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": "AKIDEXAMPLE/20260203/ap-southeast-2/s3/aws4_request",
        "x-amz-date": "20260203T040506Z",
        **({"x-amz-security-token": token} if token else {}),
    }
    # Every field is held by the policy, or S3 refuses it as an extra one.
    signature = fields.pop("x-amz-signature")
    del fields["policy"]
    assert {**fields, "bucket": "b-ucket"} == held
    assert signature == _sign_by_sdk(policy, token)


def _sign_by_sdk(policy: dict[str, Any], token: str) -> str:
    """Have the SDK sign the same policy: with its own words taken out, it adds them again."""
    own = ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token")
    conditions = [
        each
        for each in policy["conditions"]
        if not isinstance(each, dict) or next(iter(each)) not in own
    ]
    credentials = botocore.credentials.Credentials("AKIDEXAMPLE", "secret/+", token or None)
    auth = botocore.auth.S3SigV4PostAuth(credentials, "s3", REGION)
    request = botocore.awsrequest.AWSRequest("POST", "https://b-ucket")
    expected = {"expiration": policy["expiration"], "conditions": conditions}
    request.context.update({"s3-presign-post-fields": {}, "s3-presign-post-policy": expected})
    with patch.object(botocore.auth, "get_current_datetime", lambda: NOW):
        auth.add_auth(request)
    signature: str = request.context["s3-presign-post-fields"]["x-amz-signature"]
    return signature


def test_credentials_are_not_shown() -> None:
    shown = repr(Signer(Credentials("AKIDEXAMPLE", "a-secret", "a-token"), REGION))

    assert "secret" not in shown.replace("secret_key", "")
    assert "a-token" not in shown

"""S3 stores over moto's server."""

from __future__ import annotations

from collections.abc import Callable
from time import time
from uuid import uuid4

import httpx

from poutama.settings import Settings
from poutama.store.s3 import S3Store

REGION = "ap-southeast-2"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "temporary+token/==",
}


def s3_store(endpoint: str, bucket: str, clock: Callable[[], float] = time) -> S3Store:
    settings = Settings(aws_endpoint=endpoint, aws_region=REGION, store_bucket=bucket)
    return S3Store(settings, ENVIRONMENT, clock=clock)


async def open_bucket(
    endpoint: str, clock: Callable[[], float] = time, *, versioned: bool = False
) -> S3Store:
    """A store over an empty bucket of its own."""
    bucket = f"poutama-{uuid4().hex}"
    place = f"<LocationConstraint>{REGION}</LocationConstraint>"
    asked = f"<CreateBucketConfiguration>{place}</CreateBucketConfiguration>"
    async with httpx.AsyncClient() as client:
        # moto checks no credentials.
        made = await client.put(f"{endpoint}/{bucket}", content=asked)
        assert made.status_code == 200, made.text
        if versioned:
            enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
            made = await client.put(f"{endpoint}/{bucket}?versioning", content=enabled)
            assert made.status_code == 200, made.text
    return s3_store(endpoint, bucket, clock)

"""A cloud for packaged functions: a demo school, moto's S3 and SQS, and an issuer behind TLS."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from botocore.config import Config
from botocore.session import get_session

from tests.db.certificates import Identity
from tests.events.runtime import Function
from tests.unit.edge.issuer import AUDIENCE, IssuerServer, TestKey, ec_key, serve_issuer

REGION = "ap-southeast-2"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "temporary+token/==",
}
RECORDED = Path(__file__).parent / "recorded"
STUDENT = "student-0001@demo.example"


def recorded(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return event


@dataclass(frozen=True, slots=True)
class SignIns:
    """An issuer behind TLS, whom functions trust by its certificate authority."""

    server: IssuerServer
    key: TestKey
    authority: Path

    def token(self, email: str = STUDENT) -> str:
        now = int(time.time())
        return self.server.token(
            self.key, sub=email, email=email, email_verified=True, iat=now, exp=now + 3600
        )


@contextmanager
def open_sign_ins(folder: Path) -> Iterator[SignIns]:
    authority = Identity.authority("an afternoon's authority")
    identity = authority.issue("issuer", "127.0.0.1")
    (folder / "issuer.pem").write_text(identity.pem + identity.key_pem, encoding="utf-8")
    (folder / "authority.pem").write_text(authority.pem, encoding="utf-8")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "issuer.pem")
    key = ec_key()
    with serve_issuer(key.published(kid="k1"), tls=tls) as server:
        yield SignIns(server, key, folder / "authority.pem")


@dataclass
class Cloud:
    """What a deployment is configured with, and who opens functions in it."""

    database_url: str
    endpoint: str
    sign_ins: SignIns
    open: Callable[..., Function]
    settings: dict[str, str] = field(default_factory=dict)
    sqs: Any = None
    queue_url: str = ""
    dead_letter_url: str = ""

    def prepare(self) -> None:
        """Make bucket and queues."""
        self.sqs = self._client("sqs")
        name = uuid4().hex
        self.dead_letter_url = self.sqs.create_queue(QueueName=f"dead-{name}")["QueueUrl"]
        self.queue_url = self.sqs.create_queue(
            QueueName=f"jobs-{name}", Attributes={"VisibilityTimeout": "5400"}
        )["QueueUrl"]
        s3 = self._client("s3")
        s3.create_bucket(
            Bucket=f"files-{name}", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        s3.close()
        self.settings = {
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "POUTAMA_AWS_ENDPOINT": self.endpoint,
            "POUTAMA_DATABASE_URL": self.database_url,
            "POUTAMA_DEAD_LETTER_URL": self.dead_letter_url,
            "POUTAMA_ISSUERS": f"{self.sign_ins.server.url}|{AUDIENCE}",
            "POUTAMA_QUEUE_URL": self.queue_url,
            "POUTAMA_STORE_BUCKET": f"files-{name}",
            "SSL_CERT_FILE": str(self.sign_ins.authority),
        }

    def close(self) -> None:
        self.sqs.close()

    def _client(self, service: str) -> Any:
        session = get_session()
        session.set_credentials(*CREDENTIALS.values())
        config = Config(s3={"addressing_style": "path"}) if service == "s3" else None
        return session.create_client(
            service, region_name=REGION, endpoint_url=self.endpoint, config=config
        )

    def ask(
        self,
        function: Function,
        document: str,
        *,
        event: str = "http_api_post",
        meanwhile: Callable[[], object] | None = None,
        email: str = STUDENT,
        **variables: object,
    ) -> dict[str, Any]:
        """Send a GraphQL request as API Gateway does; returns its answer, the body decoded."""
        asked = recorded(event)
        body = {"query": document, "variables": variables}
        if event.endswith("_get"):
            asked["rawQueryString"] = urlencode({"query": document})
        else:
            asked |= {"body": json.dumps(body), "isBase64Encoded": False}
        asked["headers"] |= {
            "authorization": f"Bearer {self.sign_ins.token(email)}",
            "accept-encoding": "identity",
        }
        answer: dict[str, Any] = function.invoke(asked, meanwhile=meanwhile)
        return {**answer, "body": json.loads(answer["body"])}

    def receive(self, url: str = "", *, wait: int = 0) -> list[dict[str, Any]]:
        """The messages of a queue that are visible now, or within `wait` seconds; ten at most."""
        answer = self.sqs.receive_message(
            QueueUrl=url or self.queue_url,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["All"],
            WaitTimeSeconds=wait,
        )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    def deliver(self, function: Function, messages: list[dict[str, Any]]) -> list[str]:
        """Hand messages over as SQS does: what did not fail is deleted; returns what failed."""
        [record] = recorded("sqs_batch")["Records"]
        event = {
            "Records": [
                {
                    **record,
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": message["Attributes"],
                }
                for message in messages
            ]
        }
        answer = function.invoke(event)
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] not in failed:
                self.sqs.delete_message(
                    QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return [message["Body"] for message in messages if message["MessageId"] in failed]

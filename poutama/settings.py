"""All settings, in one frozen table: name, default, help.

`Settings.from_environment` is called once by an entry point; nothing else reads the environment.
Every field `x` is read from the variable `POUTAMA_X`. `docs/settings.md` lists them and a test
holds the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from poutama.errors import ConfigurationError

PREFIX = "POUTAMA_"


def setting(
    default: Any,
    help: str,  # noqa: A002  the word people look for
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare a setting with its default and the one line of help that the docs show.

    Where there are `choices`, it is one of them or empty.
    """
    return field(default=default, metadata={"help": help, "choices": choices})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every knob the system has."""

    home: str = setting(".poutama", "Folder for local data: database, files, keys.")
    host: str = setting("127.0.0.1", "Address the server listens on.")
    port: int = setting(8000, "Port the server listens on.")
    workers: int = setting(1, "Processes of `poutama serve` that answer requests.")
    tls_cert: str = setting(
        "", "Certificate chain of `poutama serve`, a PEM file; empty means plain HTTP."
    )
    tls_key: str = setting("", "Key of that certificate, an unencrypted PEM file.")
    trusted_proxies: str = setting(
        "",
        "Addresses or networks, separated by commas, whose X-Forwarded-For and -Proto headers "
        "`poutama serve` believes; empty means none.",
    )
    public_url: str = setting(
        "",
        "Address under which clients reach `poutama serve`, such as https://api.learn.example; "
        "files in a folder are signed for it; empty means the one it listens on.",
    )
    hsts_seconds: int = setting(
        31_536_000,
        "How long browsers remember to use HTTPS only (`Strict-Transport-Security`), in seconds; "
        "sent in answers over HTTPS; 0 sends none.",
    )
    access_log: bool = setting(
        False, "Whether `poutama serve` logs a line per request, without its query string."
    )
    drain_seconds: float = setting(
        0.0,
        "How long `poutama serve` goes on after SIGTERM while /healthz is 503: what a load "
        "balancer needs to notice, in seconds.",
    )
    stop_seconds: float = setting(
        30.0, "How long requests under way may then take before they are cut off, in seconds."
    )
    database_url: str = setting(
        "", "postgresql:// URL of the database; empty means the embedded one."
    )
    database_dialect: str = setting(
        "", "`postgresql` or `cockroachdb`; empty means ask the server once."
    )
    database_tls: str = setting(
        "",
        "`verify-full`, `verify-ca`, `require` (encrypted, unverified) or `disable`; empty means "
        "what the URL's `sslmode` says, else `verify-full`, and `disable` on this machine.",
    )
    database_tls_ca: str = setting(
        "", "CA certificates the database's must lead to: a file, or the PEM text itself."
    )
    database_tls_cert: str = setting(
        "", "Client certificate for the database: a file, or the PEM text itself."
    )
    database_tls_key: str = setting(
        "", "Key of the client certificate: a file, or the PEM text itself."
    )
    database_connect_seconds: float = setting(
        5.0, "Longest wait for one database host to accept a connection, in seconds."
    )
    database_lifetime_seconds: float = setting(
        900.0, "Age at which a database connection is replaced, in seconds (10 % jitter)."
    )
    database_idle_seconds: float = setting(
        240.0,
        "Idle time after which a database connection is closed, in seconds; keep it below the "
        "load balancer's limit.",
    )
    database_work_mem: str = setting(
        "4MB",
        "PostgreSQL's `work_mem` of every session: what a sort or a hash may keep in memory; empty "
        "means the server's own.",
    )
    database_temp_limit: str = setting(
        "",
        "PostgreSQL's `temp_file_limit` of every session, such as 1GB, if the role may set it: "
        "what a statement may write to temporary files; empty means the server's own.",
    )
    database_traces: bool = setting(
        False, "Whether every statement becomes an OpenTelemetry span, where that is installed."
    )
    rendering: str = setting(
        "",
        "`json` or `rows`: how reads are rendered; empty means the engine's faster one.",
        choices=("json", "rows"),
    )
    pool_size: int = setting(8, "Most connections the long-running server opens.")
    issuers: str = setting(
        "",
        "OpenID Connect issuers whose tokens sign people in, as identity.md says; the local mode "
        "trusts its own issuer instead.",
    )
    allowed_origins: str = setting(
        "",
        "Origins whose pages may use the API, such as https://learn.example, separated by commas; "
        "empty means none but its own.",
    )
    allowed_headers: str = setting(
        "",
        "Further request headers that pages of those origins may send, separated by commas, such "
        "as traceparent, baggage, sentry-trace, apollographql-client-name.",
    )
    request_seconds: float = setting(29.0, "Time one request may take, in seconds.")
    max_body_bytes: int = setting(1_000_000, "Largest request body, in bytes.")
    max_response_bytes: int = setting(
        4_500_000,
        "Largest response body as it is sent, in bytes; in base64 it must fit into the 6 MB that a "
        "function may answer.",
    )
    max_characters: int = setting(15_000, "Longest document, in characters.")
    max_tokens: int = setting(2_000, "Most lexical tokens in one document.")
    max_depth: int = setting(12, "Deepest nesting of fields, fragments expanded.")
    max_fields: int = setting(1_000, "Most fields in one document, fragments expanded.")
    max_root_fields: int = setting(20, "Most root fields in one operation, fragments expanded.")
    max_aliases: int = setting(15, "Most aliases in one operation, fragments expanded.")
    max_directives: int = setting(50, "Most directives in one operation, fragments expanded.")
    max_repeats: int = setting(
        200, "Most fields in one operation that another one there repeats, fragments expanded."
    )
    max_batch_size: int = setting(
        500, "Most items in a list that is sent: rows inserted together, ids in an order or filter."
    )
    max_values: int = setting(
        10_000, "Most values in the variables of a request, lists and objects counted as well."
    )
    max_cost: int = setting(5_000, "Most that one operation may cost; `docs/limits.md` says how.")
    cost_object: float = setting(2.0, "What an object costs.")
    cost_scalar: float = setting(1.0, "What a plain field costs, or a value in an argument.")
    cost_depth_factor: float = setting(1.5, "What the fields of an object are multiplied by.")
    cost_search: float = setting(
        200.0, "What a filter costs for each text of other people that it compares."
    )
    cost_subquery: float = setting(
        40.0,
        "What each relation in a filter costs besides, as the database plans a subquery for it.",
    )
    cost_rows: float = setting(5.0, "Rows of a list that cost as much as one object.")
    cost_document: float = setting(
        4.0,
        "Characters of a document that cost 1 when a process parses it, and again when it plans "
        "it: only what it has not kept from an earlier request.",
    )
    cost_bytes: int = setting(
        500,
        "Bytes of text that cost 1: once as variables are sent, and wherever an argument uses "
        "them.",
    )
    cost_answer: int = setting(
        1_000, "Bytes of an answer, uncompressed, that cost 1 once they are known."
    )
    cost_scan: int = setting(
        10, "Rows that filters and counts go through which cost 1 once they are known."
    )
    assumed_list_size: int = setting(
        10, "Rows that a list without `first` is taken to have when its cost is counted."
    )
    max_requests_at_once: int = setting(
        4,
        "Most requests of one person that one process runs at once; others wait their turn; 0 "
        "means no limit. Less than the pool's connections, or one person can hold them all.",
    )
    budget_capacity: int = setting(
        30_000, "Cost that one person may run up at once; 0 switches budgets off."
    )
    budget_refill: float = setting(300.0, "Cost that a person gets back, per second.")
    budget_tab: int = setting(
        1_000, "Cost that a process lets a person run up before it asks the database."
    )
    trusted_documents: str = setting(
        "",
        "Files of published documents, one for each client, with commas between: nothing else is"
        " served then; empty means anything.",
    )
    trusted_document_days: float = setting(
        30.0, "Days for which a document is served that a client's newest release does not have."
    )
    max_page_size: int = setting(1_000, "Largest `first` on any list.")
    max_list_rows: int = setting(
        1_000, "Most rows of a list without `first`; one that has more is refused, not cut."
    )
    max_rows: int = setting(
        20_000, "Most rows that the lists at one place of an answer may have together."
    )
    max_rows_bytes: int = setting(
        16_000_000, "Most bytes that these rows may have as JSON, before compression."
    )
    max_scanned_rows: int = setting(
        50_000,
        "Most rows that a filter or a count may go through; one that needs more is refused.",
    )
    default_page_size: int = setting(50, "Items on a page of a connection without `first`.")
    plan_cache_size: int = setting(1_000, "Most documents, and most plans, kept by one process.")
    plan_cache_bytes: int = setting(
        32_000_000,
        "Most memory that a process's documents take together, and its plans as much again, as "
        "estimated, in bytes.",
    )
    aws_region: str = setting("", "AWS region of queue and store; empty means the environment's.")
    aws_endpoint: str = setting(
        "", "Address that answers in place of AWS, for tests; empty means AWS itself."
    )
    store_bucket: str = setting(
        "", "S3 bucket for what people upload and get; empty means a folder in `home`."
    )
    address_days: int = setting(
        90,
        "Days after which a person who has left loses an email address that a roster has for "
        "another person.",
    )
    upload_seconds: int = setting(
        900, "How long a form for uploading works, in seconds; at most 3600."
    )
    download_seconds: int = setting(
        300, "How long an address for downloading works, in seconds; at most 900."
    )
    export_days: int = setting(
        7, "Days after which a finished export of a learning journey is deleted."
    )
    invitation_days: int = setting(30, "Days in which an invitation by email can be accepted.")
    join_code_days: int = setting(30, "Days after which a group's new join code expires.")
    account_code_days: int = setting(14, "Days in which a student's account code works.")
    invitation_pause_days: int = setting(
        90, "Days in which an organisation cannot invite an address again that declined."
    )
    opened_record_hours: int = setting(
        4,
        "How long a manager or administrator may read a student's record once they have opened it, "
        "in hours; at most 24.",
    )
    max_opened_records_a_day: int = setting(
        30,
        "Most records of students that one manager or administrator may open in 24 hours: enough "
        "for a class, too few for a school.",
    )
    max_goals: int = setting(2_000, "Most goals one person may have.")
    max_goal_tasks: int = setting(1_000, "Most tasks one goal may have.")
    max_goal_notes: int = setting(400, "Most notes one person may have on one goal.")
    max_groups: int = setting(20_000, "Most groups one organisation may have.")
    max_organisations: int = setting(20, "Most organisations one person may found.")
    max_joined_groups: int = setting(500, "Most memberships one person may have by join codes.")
    max_invitations: int = setting(
        50_000, "Most memberships by invitation one organisation may have, ended ones included."
    )
    max_invitations_a_day: int = setting(1_000, "Most invitations one person may send in a day.")
    max_unverified_invitations: int = setting(
        50, "Most invitations one person may send for organisations that are not verified, in all."
    )
    max_roster_memberships: int = setting(
        2_000_000, "Most memberships by rosters one organisation may have, ended ones included."
    )
    max_jobs: int = setting(100, "Most jobs of one person that may wait or run at once.")
    max_organisation_jobs: int = setting(
        50, "Most jobs of one organisation that may wait or run at once."
    )
    max_imports: int = setting(
        5, "Most checks and applications of rosters of one organisation at once."
    )
    max_imports_a_day: int = setting(
        100, "Most rosters that may be announced for one organisation in 24 hours."
    )
    max_exports_a_day: int = setting(
        20, "Most exports of journeys that one person may ask for in 24 hours."
    )
    evidence_max_bytes: int = setting(
        25_000_000, "Largest picture or document that is evidence, in bytes."
    )
    evidence_max_media_bytes: int = setting(
        100_000_000, "Largest recording of sound or video that is evidence, in bytes."
    )
    evidence_max_media_seconds: int = setting(
        600, "Longest recording of sound or video that is evidence, in seconds."
    )
    evidence_max_pixels: int = setting(
        50_000_000,
        "Most pixels of a picture; a JPEG or HEIC picture with more is scaled, others are refused."
        " A worker needs about 10 bytes of memory for each, and 100 MB.",
    )
    scanner: str = setting(
        "",
        "Address of a clamd that scans each file of evidence before it is opened, "
        "tcp://HOST:PORT or unix:///PATH; empty means that no virus scanner is called.",
    )
    scanner_seconds: float = setting(60.0, "Longest that scanning one file may take, in seconds.")
    evidence_person_files: int = setting(2_000, "Most files of evidence one person may have.")
    evidence_person_bytes: int = setting(
        1_000_000_000, "Most bytes that one person's files may have together."
    )
    evidence_organisation_bytes: int = setting(
        200_000_000_000, "Most bytes that an organisation's students may have in files together."
    )
    queue_url: str = setting("", "SQS queue that wakes workers; empty means one in this process.")
    dead_letter_url: str = setting("", "SQS queue of the messages that no worker could handle.")
    job_seconds: float = setting(
        880.0, "Time one invocation of a worker has for jobs, in seconds; below the function's."
    )
    job_margin_seconds: float = setting(
        20.0, "A worker begins no step when less than this is left of its time, in seconds."
    )
    job_lease_seconds: float = setting(
        60.0, "After this long without a sign of life another worker takes over its job."
    )
    job_bulk_running: int = setting(
        2,
        "Most bulk jobs (rosters, exports) that run at once, all workers together: with functions, "
        "or several worker processes, three quarters of the jobs that they can run at once.",
    )
    job_bulk_running_each: int = setting(
        2, "Most of those of one organisation, or of one person for jobs of none."
    )
    job_slice_seconds: float = setting(
        2.0,
        "After this long, in seconds, a bulk job yields to waiting jobs, between two steps.",
    )
    job_attempts: int = setting(5, "How often one step of a job is tried before the job fails.")
    job_backoff_seconds: float = setting(
        5.0, "Wait before the second try of a step; doubled each time, with jitter."
    )
    function_python: str = setting(
        "3.14", "Python version of the functions' runtime; `make package` builds for it."
    )
    introspection: bool = setting(True, "Whether people who are signed in may ask for the schema.")
    public_introspection: bool = setting(
        False, "Whether callers who are not signed in may introspect the schema."
    )

    def to_environment(self, **changes: str) -> dict[str, str]:
        """The variables from which another process reads these settings, but for the changes."""
        values = {item.name: str(getattr(self, item.name)) for item in fields(self)}
        return {PREFIX + name.upper(): value for name, value in {**values, **changes}.items()}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **overrides: object) -> Self:
        """Read every setting that is present; `overrides` win.

        Raises:
            ConfigurationError: a value does not fit its type or choices; names the variable.
        """
        values: dict[str, object] = {}
        for item in fields(cls):
            name = PREFIX + item.name.upper()
            if name in environment and item.name not in overrides:
                values[item.name] = _parse(name, environment[name], item.default)
                _require_choice(name, values[item.name], item.metadata["choices"])
        return cls(**values, **overrides)  # type: ignore[arg-type]


def _require_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if choices and value and value not in choices:
        raise ConfigurationError(
            f"{name}: expected {' or '.join(choices)}, got {str(value)[:50]!r}"
        )


def _parse(name: str, text: str, default: object) -> object:
    match default:
        case bool():
            if text.lower() in ("1", "true", "yes", "on"):
                return True
            if text.lower() in ("0", "false", "no", "off"):
                return False
            raise ConfigurationError(f"{name}: expected true or false, got {text[:50]!r}")
        case int() | float():
            try:
                return type(default)(text)
            except ValueError as error:
                kind = "a whole number" if isinstance(default, int) else "a number"
                raise ConfigurationError(f"{name}: expected {kind}, got {text[:50]!r}") from error
        case _:
            return text

"""Every deliberate error. Whose fault is it, and would the same input succeed later?

EventsError
├─ RequestError            the caller's fault: 4xx, counted, never logged as an error, never retried
│  ├─ MalformedRequest     400/0    path, JSON document or json line that cannot be read
│  ├─ NotSupported         400/1    a call that only makes sense with agents
│  ├─ BadVersion           400/2    version text that is not a version
│  ├─ AmbiguousIdentity    400/5    both impersonation headers given
│  ├─ BadImpersonation     400/6    impersonation not permitted, or of an unknown user
│  ├─ MissingField         400/11   a required text is empty
│  ├─ InvalidField         400/12   a field fails validation
│  ├─ BadValue             400/16   a value that cannot be used
│  ├─ EmptyBatch           400/17   a batch without items
│  ├─ InvalidRegex         400/21   a pattern that is not a regular expression, or takes too long
│  ├─ InvalidTask          400/101  unknown, another company's, or locked
│  ├─ TaskStateConflict    400/110  the task's status does not allow this change
│  ├─ TaskNotDeletable     400/123  the task's status does not allow to delete it
│  ├─ NothingAdded         400/131  no event of the request was added
│  ├─ NotAReport           400/150  the task is no report
│  ├─ LastPipelineRun      400/160  at least one run of a pipeline is to be left
│  ├─ InvalidModel         400/201  as InvalidTask, for models
│  ├─ ModelIsReady         400/203  the model is published already
│  ├─ ModelInUse           400/205  a task has the model as its input
│  ├─ ModelOfPublishedTask 400/206  the task that made the model is published
│  ├─ InvalidUser          400/301  unknown user
│  ├─ InvalidProject       400/401  unknown project
│  ├─ ProjectHasTasks      400/402  the project is not empty
│  ├─ ProjectHasModels     400/405  the project is not empty
│  ├─ ProjectHasDatasets   400/406  datasets in the project have versions
│  ├─ BadProjectName       400/407  a name without a part
│  ├─ ProjectPlaceFixed    400/408  an update cannot move a project
│  ├─ ProjectTooDeep       400/409  too many projects in one another
│  ├─ SameProjectPlace     400/410  a project is where it is to go already
│  ├─ BadProjectMove       400/411  a project under itself
│  ├─ MergeIntoChild       400/412  a project into one that lies in it
│  ├─ ProjectHasPipelines  400/413  pipelines in the project have runs
│  ├─ PublicProjectExists  400/414  a public project has that name
│  ├─ BadDocument          400/800  a task, model or project document that cannot be stored
│  ├─ NotUnique            400/801  there is one of that name already
│  ├─ InvalidScroll        400/1104 scroll id not ours, expired, or of other data
│  ├─ BadScheme            401/10   authorization scheme unknown
│  ├─ NoCredentials        401/20   nothing to authenticate with
│  ├─ BadBasic             401/21   Basic payload not decodable
│  ├─ BadCredentials       401/22   unknown key or wrong secret
│  ├─ BadToken             401/30   token malformed, forged or expired
│  ├─ LoginRefused         401/31   a log-in by single sign-on that the provider, or its rules, did not grant
│  ├─ Forbidden            403/20   role not allowed
│  ├─ NoWritePermission    403/21   the entity is public
│  ├─ CrossSite            403/22   with a cookie, and not shown to be of a page of this server's
│  ├─ OutOfScope           403/23   the scope of the key does not allow this call
│  ├─ QuotaExceeded        403/30   more than a quota allows: events, metrics, tasks or files that are refused
│  ├─ UnknownEndpoint      404/0
│  ├─ BadPath              400      files server: a path that no file can have
│  ├─ FileMissing          404      files server: no such file
│  ├─ BodyTooLarge         413
│  ├─ TooSoon              429      good later: with Retry-After
│  │  ├─ TooManyFailures   429      too many failed log-ins
│  │  └─ RateExceeded      429/30   events faster than a quota allows
│  ├─ TooManyCalls         429/40   too many calls of a company at once: with Retry-After
│  ├─ TooManyStreams       429/41   too many streams of a company or user: with Retry-After
│  ├─ WrongHost            421      the Host header names no host of this server's
│  ├─ EncodedBody          415      request bodies may not be compressed
│  └─ ClientGone           499      the client waits no more: nothing is done, and nobody reads this
├─ RecordError             a Kafka record that fails however often tried: parked on the DLQ topic, then acked
├─ Unavailable             503/0    the same input may succeed later; the worker backs off on the same batch
│  └─ WrongTier            503/0    a call that another tier answers: whoever routed it is mistaken
├─ StoreRejected           500/100  ClickHouse refused a statement: a defect of ours, or drift
└─ ConfigError             start-up only; names the setting; exit code 2

``schema/http/responses.py`` alone turns an error into a response. Clients key on (code, subcode); texts are not a
contract.
"""

from __future__ import annotations

from typing import ClassVar


class EventsError(Exception):
    """Root of everything Eventide raises on purpose.

    ``retry_after_seconds``: after which the same may succeed, as ``Retry-After`` tells; None: it is not known.
    """

    code: ClassVar[int] = 500
    subcode: ClassVar[int] = 0
    retry_after_seconds: int | None = None


class RequestError(EventsError):
    """The caller's fault."""

    code = 400


class MalformedRequest(RequestError):
    """Path, JSON document or json line that cannot be read."""


class NotSupported(RequestError):
    """A call that only makes sense with agents."""

    subcode = 1


class BadVersion(RequestError):
    """Version text that is not a version."""

    subcode = 2


class AmbiguousIdentity(RequestError):
    """Both impersonation headers given."""

    subcode = 5


class BadImpersonation(RequestError):
    """Impersonation not permitted, or of an unknown user."""

    subcode = 6


class MissingField(RequestError):
    """A required text is empty."""

    subcode = 11


class InvalidField(RequestError):
    """A field fails validation."""

    subcode = 12


class BadValue(RequestError):
    """A value that cannot be used."""

    subcode = 16


class EmptyBatch(RequestError):
    """A batch without items."""

    subcode = 17


class InvalidRegex(RequestError):
    """A pattern that is not a regular expression, or takes too long."""

    subcode = 21


class InvalidTask(RequestError):
    """Task unknown, another company's, or locked."""

    subcode = 101


class TaskStateConflict(RequestError):
    """The task's status does not allow this change."""

    subcode = 110


class TaskNotDeletable(RequestError):
    """The task's status does not allow to delete it."""

    subcode = 123


class NothingAdded(RequestError):
    """No event of the request was added."""

    subcode = 131


class NotAReport(RequestError):
    """The task is no report."""

    subcode = 150


class LastPipelineRun(RequestError):
    """At least one run of a pipeline is to be left."""

    subcode = 160


class InvalidModel(RequestError):
    """Model unknown, another company's, or locked."""

    subcode = 201


class ModelIsReady(RequestError):
    """The model is published already."""

    subcode = 203


class ModelInUse(RequestError):
    """A task has the model as its input."""

    subcode = 205


class ModelOfPublishedTask(RequestError):
    """The task that made the model is published."""

    subcode = 206


class InvalidUser(RequestError):
    """User unknown."""

    subcode = 301


class InvalidProject(RequestError):
    """Project unknown."""

    subcode = 401


class ProjectHasTasks(RequestError):
    """The project is not empty."""

    subcode = 402


class ProjectHasModels(RequestError):
    """The project is not empty."""

    subcode = 405


class ProjectHasDatasets(RequestError):
    """Datasets in the project have versions."""

    subcode = 406


class BadProjectName(RequestError):
    """A project name without a part."""

    subcode = 407


class ProjectPlaceFixed(RequestError):
    """An update cannot move a project."""

    subcode = 408


class ProjectTooDeep(RequestError):
    """Too many projects in one another."""

    subcode = 409


class SameProjectPlace(RequestError):
    """A project is where it is to go already."""

    subcode = 410


class BadProjectMove(RequestError):
    """A project under itself."""

    subcode = 411


class MergeIntoChild(RequestError):
    """A project cannot be merged into one that lies in it."""

    subcode = 412


class ProjectHasPipelines(RequestError):
    """Pipelines in the project have runs."""

    subcode = 413


class PublicProjectExists(RequestError):
    """A public project has that name."""

    subcode = 414


class BadDocument(RequestError):
    """A task, model or project document that cannot be stored."""

    subcode = 800


class NotUnique(RequestError):
    """There is one of that name already."""

    subcode = 801


class InvalidScroll(RequestError):
    """Scroll id not ours, expired, or of other data."""

    subcode = 1104


class BadScheme(RequestError):
    """Authorization scheme unknown (schemes are case-sensitive)."""

    code, subcode = 401, 10


class NoCredentials(RequestError):
    """No credentials were given."""

    code, subcode = 401, 20


class BadBasic(RequestError):
    """Basic payload not decodable."""

    code, subcode = 401, 21


class BadCredentials(RequestError):
    """Unknown key or wrong secret."""

    code, subcode = 401, 22


class BadToken(RequestError):
    """Token malformed, forged or expired."""

    code, subcode = 401, 30


class LoginRefused(RequestError):
    """A log-in by single sign-on that the provider, or the rules for its groups, did not grant."""

    code, subcode = 401, 31


class Forbidden(RequestError):
    """Role not allowed."""

    code, subcode = 403, 20


class NoWritePermission(RequestError):
    """The entity is public."""

    code, subcode = 403, 21


class CrossSite(RequestError):
    """A call with a cookie that is not shown to come from a page of this server's."""

    code, subcode = 403, 22


class OutOfScope(RequestError):
    """The scope of the key does not allow this call."""

    code, subcode = 403, 23


class TooSoon(RequestError):
    """A request that is good after ``retry_after_seconds``."""

    code = 429

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class TooManyFailures(TooSoon):
    """Too many failed log-ins of a key or an address."""


class RateExceeded(TooSoon):
    """Events faster than a quota allows."""

    subcode = 30


class TooManyCalls(RequestError):
    """Too many calls of a company at once: the process gives no company more of its time."""

    code, subcode = 429, 40
    retry_after_seconds = 1


class TooManyStreams(RequestError):
    """Too many streams of a company or of a user; another may be opened once one of them has ended."""

    code, subcode = 429, 41
    retry_after_seconds = 10


class WrongHost(RequestError):
    """The Host header names no host of this server's."""

    code = 421


class QuotaExceeded(RequestError):
    """More than a quota allows; nothing of the request is stored."""

    code, subcode = 403, 30


class UnknownEndpoint(RequestError):
    """No endpoint of that name and version."""

    code = 404


class BadPath(RequestError):
    """Files server: a path that no file can have."""


class FileMissing(RequestError):
    """Files server: no such file."""

    code = 404


class BodyTooLarge(RequestError):
    """The body exceeds the limit."""

    code = 413


class EncodedBody(RequestError):
    """Request bodies may not be compressed."""

    code = 415


class ClientGone(RequestError):
    """The client has closed its connection before anything was done."""

    code = 499


class RecordError(EventsError):
    """A Kafka record that fails however often tried."""


class Unavailable(EventsError):
    """Kafka, ClickHouse or the registry is away: the same input may succeed later.

    ``number`` is ClickHouse's error number, 0 if there is none.
    """

    code = 503
    retry_after_seconds = 2

    def __init__(self, text: str, number: int = 0) -> None:
        super().__init__(text)
        self.number = number


class WrongTier(Unavailable):
    """A call that another tier answers.

    No 404, at which clients drop what they sent: routes are stale for a moment when containers exchange addresses.
    """


class StoreRejected(EventsError):
    """ClickHouse refused a statement. ``number`` is ClickHouse's error number, 0 if it gave none."""

    code, subcode = 500, 100

    def __init__(self, text: str, number: int = 0) -> None:
        super().__init__(text)
        self.number = number


class ConfigError(EventsError):
    """A setting is wrong; the text names it."""

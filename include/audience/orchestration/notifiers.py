"""Where alerts go: always the task's log; a webhook and e-mail when settings name them.

E-mail goes through Airflow's own SMTP notifier and its connection `smtp_default`.
"""

import html
import logging
from collections.abc import Mapping
from typing import Any

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import BaseNotifier

from audience.core.errors import AlertNotSent
from audience.core.masked import Secret
from audience.core.settings import Settings
from audience.quality.alerts import Channel, Message

log = logging.getLogger(__name__)

_SECONDS = 10
"""For an answer of a webhook."""


class WebhookNotifier(BaseNotifier):
    """POSTs a message as JSON: `text`, which chat systems show, `subject` and `state` (`late`, `recovered`)."""

    def __init__(self, url: Secret, message: Message, **more: Any) -> None:
        super().__init__(**more)
        self._url, self.message = url, message

    def notify(self, context: Any) -> None:  # noqa: ARG002  # as Airflow calls it
        """Raises AlertNotSent, which does not hold the address: who knows it can post."""
        import httpx

        state = "recovered" if self.message.is_recovery else "late"
        text = f"{self.message.title}\n{self.message.words}"
        try:
            answer = httpx.post(
                self._url.reveal(),
                json={"text": text, "subject": self.message.subject, "state": state},
                timeout=_SECONDS,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise AlertNotSent(f"webhook: {type(error).__name__}") from None
        if not answer.is_success:
            raise AlertNotSent(f"webhook: found HTTP {answer.status_code}, expected 2xx")


def channels(settings: Settings) -> Mapping[str, Channel]:
    """The channels that the settings name, and the log."""
    found: dict[str, Channel] = {"log": lambda message: log.warning("%s: %s", message.title, message.words)}
    if settings.alerts_webhook is not None:
        url = settings.alerts_webhook
        found["webhook"] = lambda message: WebhookNotifier(url, message).notify({})
    if settings.alerts_email:
        found["email"] = lambda message: _email(settings, message)
    return found


def _email(settings: Settings, message: Message) -> None:
    notifier = SmtpNotifier(
        to=list(settings.alerts_email),
        from_email=settings.alerts_sender or None,
        subject=f"[audience] {message.title}",
        html_content=f"<p>{html.escape(message.words)}</p>",
    )
    try:
        notifier.notify({})
    except Exception as error:
        # The notifier has no errors of its own, and a server's answer can hold the addresses of those it refused.
        raise AlertNotSent(f"email: {type(error).__name__}") from None

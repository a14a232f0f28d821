"""Mail that leaves the machine, for those who ask for it: ``may up --smtp HOST:PORT``.

Every mail of the inbox is sent on as well. A server that cannot be reached, or is busy, is tried again for a
day; a mail that it refuses is dropped.
"""

import logging
import smtplib
from email.errors import MessageError
from email.message import EmailMessage

from maycloud import outside
from maycloud.store import Delivery, RetryLater, Store

log = logging.getLogger("maycloud.mailing")

QUEUE = "inbox.smtp"
GIVE_UP = 86_400.0  # seconds after which a mail is dropped
LONGEST_PAUSE = 300.0  # seconds between attempts
TIMEOUT = 30.0  # seconds that a server may take to answer


class Mailing:
    """Sends by way of one SMTP server, off the loop."""

    def __init__(self, store: Store, host: str, port: int) -> None:
        self._outbox = store.outbox
        self._clock = store.clock
        self._address = host, port
        store.outbox.consume(QUEUE, self._deliver, concurrency=4)

    def put(self, sender: str, to: str, subject: str, text: str, html: str | None) -> None:
        """Send a mail once this tick's transaction is committed."""
        mail = {"sender": sender, "to": to, "subject": subject, "text": text, "html": html}
        self._outbox.put(QUEUE, {**mail, "since": self._clock.time()})

    async def _deliver(self, delivery: Delivery) -> None:
        mail = delivery.payload
        try:
            message = _message(mail["sender"], mail["to"], mail["subject"], mail["text"], mail["html"])
            await outside.in_thread(self._send, message)
        except (MessageError, ValueError) as error:
            log.warning("the mail to %s cannot be sent: %s", mail["to"], error)
        except OSError as error:  # smtplib's own errors among them
            if _is_final(error):
                log.warning("the mail to %s was refused: %s", mail["to"], error)
            else:
                self._again(delivery, error)

    def _again(self, delivery: Delivery, error: Exception) -> None:
        """Raises RetryLater while there is still time."""
        if self._clock.time() - delivery.payload["since"] < GIVE_UP:
            raise RetryLater(min(LONGEST_PAUSE, 2.0 ** min(delivery.attempt, 10))) from error
        log.warning("the mail to %s is given up: %s", delivery.payload["to"], error)

    def _send(self, message: EmailMessage) -> None:
        with smtplib.SMTP(*self._address, timeout=TIMEOUT) as server:
            server.send_message(message)


def _is_final(error: OSError) -> bool:
    """Whether the server will not change its mind: codes from 500 on, but for its greeting (RFC 5321)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= 500 and not isinstance(error, smtplib.SMTPConnectError)
    return isinstance(error, smtplib.SMTPNotSupportedError)


def _message(sender: str, to: str, subject: str, text: str, html: str | None) -> EmailMessage:
    """Raises ValueError for addresses that would add headers; a subject is put on one line."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = " ".join(subject.split())
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message

"""What a mail server's answer to a mail means."""

from smtplib import SMTPAuthenticationError, SMTPRecipientsRefused, SMTPResponseException

# RFC 5321, 4.2.1: replies from here on are permanent refusals.
SMTP_PERMANENT = 500


def is_refused(error: BaseException) -> bool:
    """Whether the mail server said that it will never take this mail.

    It may also have refused to let us in, which passes when the password is right again.
    """
    if isinstance(error, SMTPAuthenticationError):
        return False
    if isinstance(error, SMTPRecipientsRefused):
        codes = [code for code, _words in error.recipients.values()]
        return bool(codes) and min(codes) >= SMTP_PERMANENT
    return isinstance(error, SMTPResponseException) and error.smtp_code >= SMTP_PERMANENT
